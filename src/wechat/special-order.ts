/** Why WeChat is not asked; null: it may be. */
export type SpecialOrder = {
  /** 1 ships late, 2 is a test order. */
  type: number;
  /** Milliseconds. */
  delayToMs: number;
  /** When get_order says that it was paid; null: it does not say. */
  paidAtMs: number | null;
};

const dayMs = 86_400_000;
const late = 1;
const leastDays = 15;
const mostDays = 330;

/**
 * What forbids a report before anything is sent (wechat.md §1.6, §7.18). Pure. Type 2 is never sent: WeChat takes such an
 * order for one that never ships, and gives the buyer the money back by itself.
 */
export function specialOrderProblem({ type, delayToMs, paidAtMs }: SpecialOrder): string | null {
  if (type === 2)
    return 'type 2 is refused: WeChat takes the order for a test that never ships, and gives the buyer the money back';
  if (type !== late) return `type ${type} is not known: 1 reports that an order ships late`;
  if (paidAtMs === null) return null;
  const days = (delayToMs - paidAtMs) / dayMs;
  if (days <= leastDays)
    return `--until must be more than ${leastDays} days after the payment of ${new Date(paidAtMs).toISOString()}: earlier ones need no report`;
  return days > mostDays
    ? `--until must be at most ${mostDays} days after the payment of ${new Date(paidAtMs).toISOString()}`
    : null;
}

/** WeChat appends these itself, so a page of ours must not have them (wechat.md §1.6). */
const appended = ['transaction_id', 'merchant_id', 'merchant_trade_no', 'sub_merchant_id'];

/** What forbids a page for WeChat's messages; null: nothing does. Empty is WeChat's own page. */
export function jumpPathProblem(path: string): string | null {
  if (path.includes('${'))
    return 'a placeholder belongs to `fahuo wechat detail-path`: WeChat appends the numbers of the payment by itself here';
  if (/^[a-z][a-z+.-]*:\/\//i.test(path))
    return `${path} is a web address: give a page of the mini-program, like pages/order/detail`;
  const query = path.slice(path.indexOf('?') + 1);
  const own = path.includes('?') ? [...new URLSearchParams(query).keys()] : [];
  const taken = own.find((name) => appended.includes(name));
  return taken === undefined
    ? null
    : `the page has a parameter ${taken}, which WeChat appends by itself: remove it`;
}
