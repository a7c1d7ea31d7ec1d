/** The page's own style and script. Nothing of them comes from outside, and the page loads nothing else. */
export const style = `
:root { color-scheme: light dark; --line: light-dark(#d8dee4, #3a4149); --soft: light-dark(#57606a, #9aa4ae);
  --back: light-dark(#fff, #0f1419); --card: light-dark(#f6f8fa, #171d24); --mark: light-dark(#07913a, #35c46f);
  --bad: light-dark(#b42318, #ff8a7a); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); font: 14px/1.5 system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; }
header { padding: 14px 20px 10px; border-bottom: 1px solid var(--line); }
h1 { font-size: 18px; margin: 0; } h2 { font-size: 14px; margin: 0 0 8px; }
header p { margin: 4px 0 10px; color: var(--soft); }
code, .id { font: 13px/1.4 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
nav, .play { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; }
main { display: grid; grid-template-columns: 250px minmax(0, 1fr); gap: 20px; padding: 16px 20px; align-items: start; }
.side { display: grid; gap: 16px; }
.side form { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 12px; display: grid; gap: 8px; }
label { display: grid; gap: 2px; color: var(--soft); font-size: 12px; }
label:has([type=checkbox]) { display: flex; gap: 6px; align-items: center; }
[hidden] { display: none !important; }
input, select, button { font: inherit; padding: 4px 8px; border: 1px solid var(--line); border-radius: 6px; background: var(--back); color: inherit; }
input:not([type=checkbox]), select { width: 100%; }
button { cursor: pointer; } button:hover { border-color: var(--mark); color: var(--mark); }
form > button { background: var(--mark); border-color: var(--mark); color: var(--back); }
form > button:hover { color: var(--back); filter: brightness(1.1); }
.loud:hover { border-color: var(--bad); color: var(--bad); }
.counts { display: flex; flex-wrap: wrap; gap: 10px 28px; margin: 0 0 12px; }
dt { color: var(--soft); font-size: 12px; } dd { margin: 0; font-size: 18px; font-variant-numeric: tabular-nums; }
ul.rules { list-style: none; margin: 0 0 12px; padding: 8px 12px; background: var(--card); border: 1px solid var(--line); border-radius: 8px; display: grid; gap: 6px; }
.rules code { color: var(--soft); overflow-wrap: anywhere; }
#find input { max-width: 340px; margin-bottom: 12px; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-weight: 600; color: var(--soft); font-size: 12px; white-space: nowrap; }
th, td { padding: 8px 12px 8px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td { overflow-wrap: anywhere; }
td:nth-child(1) { width: 22%; } td:nth-child(3) { width: 12%; } td:nth-child(4) { width: 22%; } td:nth-child(6) { width: 24%; }
small { display: block; color: var(--soft); font-size: 12px; } .none { color: var(--soft); }
ol { margin: 0; padding: 0; list-style: none; } ol li + li { margin-top: 4px; }
.play button { font-size: 12px; padding: 2px 7px; white-space: nowrap; }
.state { white-space: nowrap; padding: 1px 8px; border: 1px solid var(--line); border-radius: 999px; font-size: 12px; }
.s2, .s3, .s4, .s6 { border-color: var(--mark); color: var(--mark); } .s5 { border-color: var(--bad); color: var(--bad); }
.uploads { font-variant-numeric: tabular-nums; white-space: nowrap; } time { color: var(--soft); font-size: 12px; }
.recent { font-variant-numeric: tabular-nums; margin-top: 6px; } .recent li { overflow-wrap: anywhere; } section { margin-top: 20px; }
th::first-letter, label::first-letter { text-transform: uppercase; }
.ok { color: var(--mark); } .no, .spent { color: var(--bad); }
#said { position: fixed; right: 16px; bottom: 16px; margin: 0; padding: 8px 14px; border-radius: 8px; background: var(--card); border: 1px solid var(--line); max-width: 60ch; overflow-wrap: anywhere; }
#said:empty { display: none; }
@media (max-width: 1000px) { main { grid-template-columns: minmax(0, 1fr); } .wide { overflow-x: auto; } table { min-width: 860px; } }
`;

/**
 * Buttons and forms tell the sandbox what a person wants; the live part is asked for again every two seconds, and what
 * comes is parsed, never run: it is the server's own page, with everything escaped.
 */
export const script = `
'use strict';
const live = document.getElementById('live');
const said = document.getElementById('said');
let hush = 0;
function say(text) {
  said.textContent = text;
  clearTimeout(hush);
  hush = setTimeout(() => (said.textContent = ''), 6000);
}
async function tell(path, body) {
  try {
    const answer = await fetch('/_sandbox/' + path, { method: 'POST', body: JSON.stringify(body) });
    const json = await answer.json();
    say(json.error ?? (json.errcode ? json.errcode + ' ' + json.errmsg : JSON.stringify(json).slice(0, 200)));
  } catch (error) {
    say(String(error));
  }
  await refresh(true);
}
let asked = 0;
async function refresh(always) {
  if (!always && (document.hidden || document.activeElement?.name === 'find' || live.matches(':hover:active'))) return;
  const number = ++asked;
  try {
    const answer = await fetch(location.pathname + location.search);
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    if (number === asked) live.replaceChildren(...page.getElementById('live').childNodes);
  } catch {
    say('…');
  }
}
function membersShown() {
  const form = document.getElementById('fault');
  const members = form.kind.selectedOptions[0].dataset.members.split(' ');
  for (const label of form.querySelectorAll('[data-member]'))
    label.hidden = !members.includes(label.dataset.member);
}
const textOf = (input) => (input.type === 'checkbox' ? input.checked : input.value.trim());
function valuesOf(form) {
  const values = {};
  for (const input of form.elements) {
    if (input.name === '' || input.closest('[hidden]') !== null || textOf(input) === '') continue;
    values[input.name] = input.type === 'number' ? Number(input.value) : textOf(input);
  }
  return values;
}
const digits = () => String(Date.now()) + String(Math.floor(Math.random() * 1e8)).padStart(8, '0');
document.addEventListener('click', (event) => {
  const button = event.target.closest('button[type=button]');
  if (button === null) return;
  if (button.dataset.fault !== undefined) return tell('faults/next', JSON.parse(button.dataset.fault));
  return tell(button.dataset.path, JSON.parse(button.dataset.body));
});
document.addEventListener('submit', (event) => {
  event.preventDefault();
  const form = event.target;
  const { count = 1, ...values } = valuesOf(form);
  if (form.id === 'find') {
    history.replaceState(null, '', '?' + new URLSearchParams({ ...langOf(), find: values.find ?? '' }));
    document.activeElement.blur();
    return refresh(true);
  }
  if (form.id === 'make') return tell('payments', paymentsOf(values, count));
  const rules = JSON.parse(document.getElementById('rules').dataset.rules);
  return tell('faults', [...rules, values]);
});
const langOf = () => {
  const lang = new URLSearchParams(location.search).get('lang');
  return lang === null ? {} : { lang };
};
function paymentsOf({ transaction_id: id, out_trade_no: trade, ...rest }, count) {
  return Array.from({ length: Math.min(1000, Math.max(1, Math.floor(count))) }, (_, index) => {
    const made = digits();
    const end = index === 0 ? '' : '-' + (index + 1);
    return {
      ...rest,
      transaction_id: id === undefined ? '4200' + made + index : id + end,
      ...(trade === undefined ? {} : { mchid: '1900000001', out_trade_no: trade + end }),
    };
  });
}
document.getElementById('fault').kind.addEventListener('change', membersShown);
membersShown();
setInterval(() => refresh(false), 2000);
`;
