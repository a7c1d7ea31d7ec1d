// fahuo sandbox --auto-create
// java -Dfile.encoding=UTF-8 Upload.java     # Java 17 or newer, nothing else

import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

public class Upload {
  // https://api.weixin.qq.com in production
  static final String BASE = env("WECHAT_BASE_URL", "http://127.0.0.1:9471");
  static final String APPID = env("WECHAT_APPID", "wx0123456789abcdef");
  static final String SECRET = env("WECHAT_SECRET", "secret");
  static final HttpClient HTTP = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(3)).build();

  public static void main(String[] args) throws Exception {
    String transactionId = args.length > 0 ? args[0] : "4200001234202611300000000001";

    String token = member("access_token", post("/cgi-bin/stable_token", """
        {"grant_type":"client_credential","appid":"%s","secret":"%s"}""".formatted(APPID, SECRET)));
    String query = "?access_token=" + URLEncoder.encode(token, StandardCharsets.UTF_8);

    // RFC 3339 with milliseconds and a zone; newer than that of every earlier upload of this payment.
    // ZonedDateTime.toString() would leave out zeros and add [Asia/Shanghai].
    String uploadTime = ZonedDateTime.now(ZoneId.of("Asia/Shanghai"))
        .format(DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSxxx"));

    // logistics_type: 1 express, 2 same-city, 3 virtual, 4 pick-up. delivery_mode: 1 unified, 2 split. Numbers, both.
    // The contact is masked, and only needed for SF.
    post("/wxa/sec/order/upload_shipping_info" + query, """
        {"order_key":{"order_number_type":2,"transaction_id":"%s"},
         "logistics_type":1,"delivery_mode":1,
         "shipping_list":[{"tracking_no":"SF1234567890123","express_company":"SF",
           "item_desc":"红富士苹果 5kg*1","contact":{"receiver_contact":"138****1234"}}],
         "upload_time":"%s","payer":{"openid":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}}"""
        .formatted(transactionId, uploadTime));

    String order = post("/wxa/sec/order/get_order" + query, """
        {"transaction_id":"%s"}""".formatted(transactionId));
    System.out.printf("order_state %s, finish_shipping_count %s, %s%n",
        member("order_state", order), member("finish_shipping_count", order), member("tracking_no", order));
  }

  /** Bytes in UTF-8 whatever the machine's charset is, and the answer read as UTF-8: WeChat does not name it. */
  static String post(String path, String body) throws Exception {
    HttpRequest request = HttpRequest.newBuilder(URI.create(BASE + path))
        .timeout(Duration.ofSeconds(10)) // then the upload may have taken effect: ask get_order before it is sent again
        .header("content-type", "application/json; charset=utf-8")
        .POST(HttpRequest.BodyPublishers.ofString(body, StandardCharsets.UTF_8))
        .build();
    String answer = HTTP.send(request, BodyHandlers.ofString(StandardCharsets.UTF_8)).body();
    String errcode = member("errcode", answer);
    if (!errcode.isEmpty() && !errcode.equals("0")) throw new IllegalStateException(answer);
    return answer;
  }

  /** The first member of that name, without a library: use the one that your shop has. */
  static String member(String name, String json) {
    Matcher found = Pattern.compile("\"" + name + "\"\\s*:\\s*(?:\"([^\"]*)\"|(-?\\w+))").matcher(json);
    if (!found.find()) return "";
    return found.group(1) != null ? found.group(1) : found.group(2);
  }

  static String env(String name, String otherwise) {
    String value = System.getenv(name);
    return value == null || value.isEmpty() ? otherwise : value;
  }
}
