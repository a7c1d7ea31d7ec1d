<?php
// fahuo sandbox --auto-create
// php upload.php                       # needs php-cli and php-curl
declare(strict_types=1);

$base = getenv('WECHAT_BASE_URL') ?: 'http://127.0.0.1:9471'; // https://api.weixin.qq.com in production
$appid = getenv('WECHAT_APPID') ?: 'wx0123456789abcdef';
$secret = getenv('WECHAT_SECRET') ?: 'secret';
$transactionId = $argv[1] ?? '4200001234202611300000000001';

function post(string $url, array $body): array
{
    $curl = curl_init($url);
    curl_setopt_array($curl, [
        CURLOPT_POST => true,
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_TIMEOUT => 10,
        CURLOPT_HTTPHEADER => ['content-type: application/json; charset=utf-8'],
        // Chinese text as it is, not as \u4e2d: WeChat counts and shows what it was sent.
        CURLOPT_POSTFIELDS => json_encode($body, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_THROW_ON_ERROR),
    ]);
    $text = curl_exec($curl);
    if ($text === false) {
        // The upload may have taken effect all the same: ask get_order before it is sent again.
        throw new RuntimeException('no answer: ' . curl_error($curl));
    }
    $answer = json_decode($text, true, 64, JSON_THROW_ON_ERROR);
    if (($answer['errcode'] ?? 0) !== 0) {
        throw new RuntimeException("{$answer['errcode']} {$answer['errmsg']}");
    }
    return $answer;
}

$token = post("$base/cgi-bin/stable_token", [
    'grant_type' => 'client_credential',
    'appid' => $appid,
    'secret' => $secret,
])['access_token'];
$query = '?access_token=' . rawurlencode($token);

post("$base/wxa/sec/order/upload_shipping_info$query", [
    'order_key' => ['order_number_type' => 2, 'transaction_id' => $transactionId],
    'logistics_type' => 1, // a number: 1 express, 2 same-city, 3 virtual, 4 pick-up
    'delivery_mode' => 1, // a number: 1 unified, 2 split
    'shipping_list' => [[
        'tracking_no' => 'SF1234567890123',
        'express_company' => 'SF',
        'item_desc' => '红富士苹果 5kg*1',
        'contact' => ['receiver_contact' => '138****1234'], // masked, and only needed for SF
    ]],
    // RFC 3339 with milliseconds and a zone; newer than that of every earlier upload of this payment.
    'upload_time' => (new DateTimeImmutable('now', new DateTimeZone('Asia/Shanghai')))->format('Y-m-d\TH:i:s.vP'),
    'payer' => ['openid' => 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o'],
]);

$order = post("$base/wxa/sec/order/get_order$query", ['transaction_id' => $transactionId])['order'];
echo "order_state {$order['order_state']}, finish_shipping_count {$order['shipping']['finish_shipping_count']}, ",
    "{$order['shipping']['shipping_list'][0]['tracking_no']}\n";
