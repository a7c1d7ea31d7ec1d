// fahuo sandbox --auto-create
// go run upload.go                     # Go 1.19 or newer, the standard library alone

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"time"
)

// https://api.weixin.qq.com in production
var base = env("WECHAT_BASE_URL", "http://127.0.0.1:9471")
var client = &http.Client{Timeout: 10 * time.Second}

type object = map[string]any

type answer struct {
	Errcode     int64  `json:"errcode"`
	Errmsg      string `json:"errmsg"`
	AccessToken string `json:"access_token"`
	Order       struct {
		OrderState int `json:"order_state"`
		Shipping   struct {
			FinishShippingCount int `json:"finish_shipping_count"`
			ShippingList        []struct {
				TrackingNo string `json:"tracking_no"`
			} `json:"shipping_list"`
		} `json:"shipping"`
	} `json:"order"`
}

func post(path string, body object) answer {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // & and < as they are, not as \u0026
	if err := encoder.Encode(body); err != nil {
		log.Fatal(err)
	}
	response, err := client.Post(base+path, "application/json; charset=utf-8", &text)
	if err != nil {
		// The upload may have taken effect all the same: ask get_order before it is sent again.
		// The error holds the URL, and that the token: do not log it as it is.
		log.Fatal("no answer from WeChat")
	}
	defer response.Body.Close()
	var read answer
	if err := json.NewDecoder(response.Body).Decode(&read); err != nil {
		log.Fatal("an answer that is no JSON: ask get_order")
	}
	if read.Errcode != 0 {
		log.Fatalf("%d %s", read.Errcode, read.Errmsg)
	}
	return read
}

func main() {
	transactionID := "4200001234202611300000000001"
	if len(os.Args) > 1 {
		transactionID = os.Args[1]
	}

	token := post("/cgi-bin/stable_token", object{
		"grant_type": "client_credential",
		"appid":      env("WECHAT_APPID", "wx0123456789abcdef"),
		"secret":     env("WECHAT_SECRET", "secret"),
	}).AccessToken
	query := "?access_token=" + url.QueryEscape(token)

	post("/wxa/sec/order/upload_shipping_info"+query, object{
		"order_key":      object{"order_number_type": 2, "transaction_id": transactionID},
		"logistics_type": 1, // a number: 1 express, 2 same-city, 3 virtual, 4 pick-up
		"delivery_mode":  1, // a number: 1 unified, 2 split
		"shipping_list": []object{{
			"tracking_no":     "SF1234567890123",
			"express_company": "SF",
			"item_desc":       "红富士苹果 5kg*1",
			"contact":         object{"receiver_contact": "138****1234"}, // masked, and only needed for SF
		}},
		// RFC 3339 with milliseconds and a zone; newer than that of every earlier upload of this payment.
		"upload_time": time.Now().In(time.FixedZone("CST", 8*3600)).Format("2006-01-02T15:04:05.000-07:00"),
		"payer":       object{"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
	})

	order := post("/wxa/sec/order/get_order"+query, object{"transaction_id": transactionID}).Order
	fmt.Printf("order_state %d, finish_shipping_count %d, %s\n",
		order.OrderState, order.Shipping.FinishShippingCount, order.Shipping.ShippingList[0].TrackingNo)
}

func env(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
