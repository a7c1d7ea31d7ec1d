import { cutText } from '../../text.ts';
import { endpoints, faultMembers, nameOfFault, type FaultRule } from '../faults.ts';
import { textOf as textFor } from '../codes.ts';
import { paymentIn } from '../seen.ts';
import type { Payment, SeenUpload } from '../world.ts';
import { html, trusted, type Html } from './html.ts';
import { script, style } from './assets.ts';
import type { PageView } from './view.ts';
import { wordsOf, type Language, type Words } from './words.ts';

/** The whole page, with everything that it needs in itself. Whatever came from outside is escaped by `html`. Pure. */
export function renderPage(view: PageView, language: Language): string {
  const words = wordsOf(language);
  const page = html`<!doctype html>
    <html lang="${language === 'zh' ? 'zh-CN' : 'en'}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <link rel="icon" href="data:," />
        <title>${words.title}</title>
        ${trusted(`<style>${style}</style>`)}
      </head>
      <body>
        ${header(view, words, language)}
        <main>
          <div class="side">${paymentForm(view, words)} ${faultForm(words)}</div>
          <div class="wide" id="live">${live(view, words)}</div>
        </main>
        <p id="said" role="status"></p>
        ${trusted(`<script>${script}</script>`)}
      </body>
    </html>`;
  return page.html;
}

const header = ({ url }: PageView, words: Words, language: Language): Html => html`
  <header>
    <h1>${words.title}</h1>
    <p>${words.pointHere} <code>WECHAT_BASE_URL=${url}</code>. ${words.docs}</p>
    <nav>
      ${button(words.expireTokens, 'tokens/expire', {})} ${button(words.endFaults, 'faults', [])}
      ${button(words.reset, 'reset', {}, 'loud')}
      <a href="?lang=${language === 'zh' ? 'en' : 'zh'}">${language === 'zh' ? 'English' : '中文'}</a>
    </nav>
  </header>
`;

/** A button that tells the sandbox something. */
const button = (label: string, path: string, body: unknown, look = ''): Html =>
  html`<button type="button" class="${look}" data-path="${path}" data-body="${JSON.stringify(body)}">
    ${label}
  </button> `;

const field = (
  label: string,
  name: string,
  more: { type?: string; value?: string; hint?: string } = {},
): Html =>
  html`<label data-member="${name}"
    >${label}
    <input
      name="${name}"
      type="${more.type ?? 'text'}"
      step="any"
      value="${more.value ?? ''}"
      placeholder="${more.hint ?? ''}"
  /></label>`;

const paymentForm = ({ verbs }: PageView, words: Words): Html => html`
  <form id="make">
    <h2>${words.newPayment}</h2>
    ${field(words.transactionId, 'transaction_id', { hint: words.generated })}
    ${field(words.outTradeNo, 'out_trade_no', { hint: words.generated })}
    ${field(words.openid, 'openid', { hint: words.anyone })}
    ${verbs.includes('paid_amount') ? field(words.paidAmount, 'paid_amount', { type: 'number' }) : null}
    ${field(words.visibleAfter, 'visible_after_ms', { type: 'number', value: '0' })}
    ${field(words.howMany, 'count', { type: 'number', value: '1' })}
    <button>${words.make}</button>
  </form>
`;

const option = (value: string, more = ''): Html =>
  html`<option value="${value}" data-members="${more}">${value}</option>`;

const faultForm = (words: Words): Html => html`
  <form id="fault">
    <h2>${words.faults}</h2>
    <label
      >${words.kind}
      <select name="kind">
        ${Object.entries(faultMembers).map(([kind, members]) => option(kind, members.join(' ')))}
      </select></label
    >
    <label
      >${words.endpoint}
      <select name="endpoint">
        ${endpoints.map((one) => option(one))}
      </select></label
    >
    ${field(words.payment, 'transaction_id', { hint: words.all })}
    ${field(words.rate, 'rate', { type: 'number', value: '1' })}
    ${field(words.times, 'times', { type: 'number' })}
    ${field('errcode', 'errcode', { type: 'number', value: '-1' })} ${field('errmsg', 'errmsg')}
    ${field('status', 'status', { type: 'number', value: '502' })}
    ${field('ms', 'ms', { type: 'number', value: '3000' })}
    ${field('length', 'length', { type: 'number', value: '5000' })} ${field('item_desc', 'item_desc')}
    <label data-member="committed"><input name="committed" type="checkbox" checked /> committed</label>
    <button>${words.add}</button>
  </form>
`;

/** What changes by itself: the page asks for it again every two seconds. */
export const live = (view: PageView, words: Words): Html => html`
  <dl class="counts">
    ${count(words.payments, view.counts.payments)} ${count(words.effects, view.counts.effects)}
    ${count(words.requests, view.counts.requests)} ${count(words.faultsMet, view.counts.faults)}
    ${count(words.tokens, view.counts.tokens)}
  </dl>
  ${ruleList(view.rules, words)}
  <form id="find">
    <input
      name="find"
      type="search"
      value="${view.find}"
      placeholder="${words.find}"
      aria-label="${words.find}"
    />
  </form>
  ${
    view.payments.length === 0
      ? html`<p class="none">${view.find === '' ? words.noPayments : words.noneFound}</p>`
      : table(view, words)
  }
  ${view.more === 0 ? null : html`<p class="none">+${view.more}: ${words.more}</p>`}
  ${recentRequests(view, words)}
`;

const count = (label: string, value: string | number): Html =>
  html`<div>
    <dt>${label}</dt>
    <dd>${value}</dd>
  </div>`;

/** What a program under development needs to see: what was refused, and why. */
const recentRequests = ({ recent }: PageView, words: Words): Html =>
  html`<section>
    <h2>${words.lastRequests}</h2>
    ${recent.length === 0 ? html`<p class="none">${words.noRequests}</p>` : null}
    <ol class="recent">
      ${recent.map(
        ({ atMs, endpoint, body, answer, hint }) =>
          html`<li>
            <time>${timeOf(atMs)}</time> ${endpoint} ${outside(paymentIn(body), 'id')}
            <b class="${answer === '0' ? 'ok' : 'no'}">${answer}</b> ${meaningOf(answer)}
            ${hint === undefined ? null : html`<i>${cutText(hint, 200)}</i>`}
          </li>`,
      )}
    </ol>
  </section>`;

/** Of an errcode; a fault says what it is by its name. */
const meaningOf = (answer: string): string =>
  answer === '0' || !/^-?\d+$/.test(answer) ? '' : textFor(Number(answer));

const dayOf = (atMs: number): string => new Date(atMs).toLocaleDateString('sv-SE');
/** By the clock of the machine, as its person reads it. */
const timeOf = (atMs: number): string => new Date(atMs).toLocaleTimeString('sv-SE');

/** Each button tells the sandbox the list without its rule. */
const ruleList = (rules: readonly FaultRule[], words: Words): Html =>
  html`<ul class="rules" id="rules" data-rules="${JSON.stringify(rules)}">
    ${
      rules.length === 0
        ? html`<li class="none">${words.faults}: ${words.noFaults}</li>`
        : rules.map(
            (rule, index) =>
              html`<li>
                <b>${nameOfFault(rule)}</b> <code>${cutText(JSON.stringify(rule), 200)}</code>
                ${button(words.remove, 'faults', rules.toSpliced(index, 1))}
              </li>`,
          )
    }
  </ul>`;

const table = ({ payments, nowMs, verbs }: PageView, words: Words): Html =>
  html`<table>
    <thead>
      <tr>
        ${[words.payment, words.state, words.shipping, words.parcels, words.uploads, words.play].map(
          (title) => html`<th>${title}</th>`,
        )}
      </tr>
    </thead>
    <tbody>
      ${payments.map((payment) => row(payment, { nowMs, verbs, words }))}
    </tbody>
  </table>`;

type RowOptions = { nowMs: number; verbs: readonly string[]; words: Words };

const row = (payment: Payment, options: RowOptions): Html => {
  const { words, nowMs } = options;
  const { orderState, visibleAtMs } = payment;
  const state = words.states[orderState] ?? '';
  return html`<tr>
    <td>
      ${outside(payment.transactionId, 'id')}
      <small>${outside(`${payment.mchid}:${payment.outTradeNo}`)}</small>
      <small>${payment.openid === null ? null : outside(payment.openid)}</small>
      <small>¥${(payment.paidAmount / 100).toFixed(2)}</small>
    </td>
    <td>
      <span class="state s${orderState}">${orderState} ${state}</span>
      ${visibleAtMs > nowMs ? html`<small>${words.notVisible}</small>` : null}
      ${payment.inComplaint ? html`<small class="spent">${words.inComplaint}</small>` : null}
      ${settlementOf(payment, words)}
    </td>
    <td>${shippingOf(payment, words)}</td>
    <td>${parcelsOf(payment, words)}</td>
    <td>${uploadsOf(payment.uploads, words)}</td>
    <td><div class="play">${actions(payment, options)}</div></td>
  </tr>`;
};

/** When the money is the shop's, or was. */
function settlementOf(
  { settledAtMs, expectedSettlementAtMs: expectedAtMs }: Payment,
  words: Words,
): Html | null {
  const atMs = settledAtMs ?? expectedAtMs;
  if (atMs === null) return null;
  return html`<small>${settledAtMs === null ? words.settles : words.settled} ${dayOf(atMs)}</small>`;
}

/** A text from outside: cut, and kept from turning the text around it (bdi). */
const outside = (text: string, look = ''): Html => html`<bdi class="${look}">${cutText(text, 200)}</bdi>`;

function shippingOf({ shipping, reshipSpent }: Payment, words: Words): Html {
  if (shipping === null) return html`<small>${words.nothing}</small>`;
  const { logisticsType, deliveryMode, finished, finishCount } = shipping;
  return html`${words.types[logisticsType] ?? logisticsType}, ${words.modes[deliveryMode] ?? deliveryMode}
    <small>${finished ? words.finished : words.unfinished} (${finishCount})</small>
    <small class="${reshipSpent ? 'spent' : ''}"
      >${reshipSpent ? words.chanceSpent : words.chanceLeft}</small
    >`;
}

const parcelsOf = ({ shipping }: Payment, words: Words): Html =>
  shipping === null
    ? html`<small>${words.nothing}</small>`
    : html`<ol>
        ${shipping.parcels.map(
          ({ company, trackingNo, itemDesc }) =>
            html`<li>
              ${outside(company)} ${outside(trackingNo, 'id')} <small>${outside(itemDesc)}</small>
            </li>`,
        )}
      </ol>`;

const shownUploads = 6;

/** The last ones: what was answered, and what it did. */
function uploadsOf(uploads: readonly SeenUpload[], words: Words): Html {
  if (uploads.length === 0) return html`<small>${words.nothing}</small>`;
  const older = uploads.length - shownUploads;
  return html`${older > 0 ? html`<small>+${older}</small>` : null}
    <ol class="uploads">
      ${uploads.slice(-shownUploads).map(
        ({ errcode, effect, atMs }) =>
          html`<li>
            <time>${timeOf(atMs)}</time>
            <b class="${errcode === 0 ? 'ok' : 'no'}">${errcode}</b> ${effect}
          </li>`,
      )}
    </ol>`;
}

/** What can be done with a payment, by what this sandbox takes. */
function actions({ transactionId }: Payment, { verbs, words }: RowOptions): Html[] {
  const named = { payment: transactionId };
  const next = { transaction_id: transactionId };
  const verb = (needed: string, label: string, told: { path: string; body: object }): Html[] =>
    verbs.includes(needed) ? [button(label, told.path, told.body)] : [];
  const fault = (label: string, rule: object): Html =>
    html`<button type="button" data-fault="${JSON.stringify(rule)}">${label}</button> `;
  return [
    ...verb('confirm', words.confirm, { path: 'confirm', body: named }),
    ...verb('refund', words.refund, { path: 'refund', body: named }),
    ...verb('in_complaint', words.complain, { path: 'payments', body: { ...next, in_complaint: true } }),
    ...verb('push', words.pushShipped, { path: 'push', body: { ...named, push: 'shipped' } }),
    ...verb('push', words.pushSettled, { path: 'push', body: { ...named, push: 'settled' } }),
    fault(words.lose, { kind: 'lost_answer', ...next }),
    fault(words.busy, { kind: 'errcode', errcode: -1, ...next }),
    fault(words.hang, { kind: 'hang', ...next }),
    fault(words.byHand, { kind: 'shipped_by_hand', ...next }),
  ];
}
