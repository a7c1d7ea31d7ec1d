/** The closed list of what an answer can mean. */
export const outcomeKinds = [
  'accepted', // WeChat took the upload
  'unchanged', // WeChat already held exactly this
  'not_yet_visible', // the payment has not reached the shipping service: wait
  'read_first', // get_order decides
  'invalid', // permanent until the data changes
  'throttled', // the endpoint asks us to wait
  'token', // the token was refused; the call was not looked at
  'account_stop', // nothing of this app can go out until a person acts
  'unknown', // WeChat may or may not hold it: get_order decides, never a resend
] as const;
export type OutcomeKind = (typeof outcomeKinds)[number];

export type OutcomeRow = {
  errcode: number;
  kind: OutcomeKind;
  meaning: string;
  remedy: string;
  /** What the code is about: one payment, this endpoint, or the whole app. */
  scope?: 'payment' | 'endpoint' | 'app';
  /** For throttles: how long the quota that ran out lasts. */
  period?: 'minute' | 'day';
};

/** Changes with every change of a row, so that a recorded outcome can be told from one decided by other rules. */
export const outcomeTableVersion = 2;

const correctData = 'Correct the order data and enqueue a new version.';
const readDecides = 'Nothing to do: get_order decides.';
const readUnknown = 'Nothing to do: the effect is unknown and get_order decides.';
const checkPlatform = 'Check the authorisation of the third-party platform, then resume the app.';
const checkBaseUrl = 'Check WECHAT_BASE_URL and what stands between it and WeChat, then resume the app.';

const payment = (errcode: number, kind: OutcomeKind, meaning: string, remedy: string): OutcomeRow => ({
  errcode,
  kind,
  meaning,
  remedy,
  scope: 'payment',
});
const invalid = (errcode: number, meaning: string, remedy = correctData): OutcomeRow =>
  payment(errcode, 'invalid', meaning, remedy);
const read = (errcode: number, meaning: string): OutcomeRow =>
  payment(errcode, 'read_first', meaning, readDecides);
const unknown = (errcode: number, meaning: string, remedy = readUnknown): OutcomeRow =>
  payment(errcode, 'unknown', meaning, remedy);
const token = (errcode: number, meaning: string): OutcomeRow => ({
  errcode,
  kind: 'token',
  meaning,
  remedy: 'Nothing to do: the token is fetched again and the call is repeated once.',
  scope: 'app',
});
const stop = (errcode: number, meaning: string, remedy: string): OutcomeRow => ({
  errcode,
  kind: 'account_stop',
  meaning,
  remedy,
  scope: 'app',
});
const throttle = (
  errcode: number,
  period: 'minute' | 'day',
  meaning: string,
  remedy: string,
): OutcomeRow => ({
  errcode,
  kind: 'throttled',
  meaning,
  remedy,
  scope: 'endpoint',
  period,
});

/** wechat.md §1.7, and 268440065 of §6.5. */
const orderRows: readonly OutcomeRow[] = [
  payment(0, 'accepted', 'ok', 'Nothing to do.'),
  unknown(-1, 'system error or busy'),
  payment(
    10060001,
    'not_yet_visible',
    'payment not found',
    'Wait; after 24 h see the check-list for payments WeChat does not know.',
  ),
  read(10060002, 'shipping is complete'),
  read(10060003, 're-ship chance used'),
  read(10060004, 'not shippable now'),
  invalid(10060005, 'bad logistics_type'),
  invalid(10060006, 'split delivery without express'),
  invalid(10060007, 'split delivery needs is_all_delivered'),
  invalid(10060008, 'item_desc is empty'),
  invalid(10060009, 'item_desc is too long'),
  invalid(10060011, 'bad last_index'),
  unknown(10060012, 'system error'),
  invalid(10060014, 'bad parameter'),
  unknown(10060019, 'system error'),
  invalid(10060020, 'cannot complete without any item_desc'),
  payment(10060023, 'unchanged', 'shipping info unchanged', 'Nothing to do.'),
  invalid(10060024, 'more than 15 parcels'),
  invalid(10060025, 'express_company is too long'),
  invalid(10060026, 'tracking_no is too long'),
  read(10060028, 'payment is not in the shipped state'),
  invalid(10060029, 'bad time of receipt'),
  read(10060030, 'receipt reminder already used'),
  invalid(
    10060031,
    'payment belongs to another openid',
    'Take payer.openid from the payment notification of this app.',
  ),
  invalid(10060032, 'reminder is for express only'),
  read(268440065, 'undocumented; seen for an order already shipped'),
  invalid(268485194, 'bad order_number_type'),
  invalid(268485195, 'transaction_id is empty'),
  invalid(268485196, 'mchid is empty'),
  invalid(268485197, 'out_trade_no is empty'),
  read(268485216, 'upload_time is malformed or not newer than an earlier one'),
  invalid(268485224, 'bad delivery_mode'),
  invalid(268485226, 'tracking_no is empty'),
  invalid(268485227, 'express_company is empty'),
  invalid(268485228, 'unified delivery needs exactly one parcel'),
  invalid(268546000, 'bad type of special order', 'Only type 1, a late shipment, may be reported.'),
  invalid(268546001, 'bad delay_to', 'Give a time more than 15 and at most 330 days after the payment.'),
  invalid(
    268546002,
    'no such order awaits shipment',
    'Check the order: it may be shipped, refunded or of another app.',
  ),
];

/**
 * wechat.md §2.2. A code that no order's data can cause (a wrong path, method or credential) stops the app: as
 * `invalid` it would reject every order in turn.
 */
const generalRows: readonly OutcomeRow[] = [
  token(40001, 'access_token invalid or not the latest'),
  token(40014, 'illegal access_token'),
  token(42001, 'access_token expired'),
  stop(40002, 'bad grant_type', 'This is a bug in fahuo: please report it.'),
  stop(40013, 'bad appid', 'Correct WECHAT_APPID, then resume the app.'),
  stop(40066, 'no such path', checkBaseUrl),
  invalid(40097, 'bad parameter'),
  stop(40125, 'bad appsecret', 'Correct WECHAT_SECRET, then resume the app.'),
  stop(
    40164,
    'caller IP is not in the allow-list',
    'Add the IP that the message names in the console, then resume the app.',
  ),
  stop(40243, 'AppSecret is frozen', 'Unfreeze the AppSecret in the console, then resume the app.'),
  stop(41001, 'access_token missing', checkBaseUrl),
  stop(41002, 'appid missing', checkBaseUrl),
  stop(41004, 'secret missing', checkBaseUrl),
  stop(42007, 'token revoked', 'Authorise again, then resume the app.'),
  stop(43002, 'POST required', checkBaseUrl),
  stop(44002, 'empty POST body', checkBaseUrl),
  throttle(44990, 'minute', 'frequency cap of this interface', 'Nothing to do: all workers slow down.'),
  throttle(
    45009,
    'day',
    'daily quota of this interface used up',
    'Wait for 00:00 Beijing, or clear the quota in the console.',
  ),
  throttle(45011, 'minute', 'calls per minute exceeded', 'Nothing to do: all workers slow down.'),
  invalid(47001, 'body cannot be parsed or has wrong types'),
  stop(
    48001,
    'shipping management is not enabled for the app',
    'Enable it in the console, then resume the app.',
  ),
  stop(48004, 'API banned', 'See the notice in the console, then resume the app.'),
  unknown(
    48006,
    'monthly quota resets used up',
    'Wait for the next month: the ten resets of this one are spent.',
  ),
  stop(50001, 'API not authorised', 'Check the permissions of the app, then resume it.'),
  stop(50002, 'account restricted', 'See the notice in the console, then resume the app.'),
  stop(61003, 'third-party platform is not authorised', checkPlatform),
  stop(61004, 'third-party platform: IP is not in the allow-list', checkPlatform),
  stop(61007, 'API is not in the granted permission set', checkPlatform),
  stop(61011, 'bad component', checkPlatform),
  unknown(76001, 'rid older than seven days', 'WeChat keeps a request for seven days: take a later rid.'),
  unknown(
    76003,
    'rid or cgi_path of another account',
    'Copy the whole rid or path, and let --app name the app that made the call.',
  ),
  unknown(76022, 'rid of an sns call', 'Take the rid of another call: WeChat tells nothing of this kind.'),
  stop(89501, 'IP confirmation is pending', 'Confirm the IP as the administrator, then resume the app.'),
  stop(89503, 'IP needs the administrator', 'Confirm the IP as the administrator, then resume the app.'),
  stop(89506, 'IP refused for 24 hours', 'Ask the administrator, wait 24 hours, then resume the app.'),
  stop(89507, 'IP refused for one hour', 'Ask the administrator, wait one hour, then resume the app.'),
];

/** Every errcode that WeChat is known to give, one row each. */
export const outcomeTable: readonly OutcomeRow[] = [...orderRows, ...generalRows];
