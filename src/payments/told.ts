/** Whether a row of fahuo.payment stands for the payment that `row` names by `mchid:out_trade_no`; by an index each. */
export const isToldOf = (row: string): string => `(exists (
    select from fahuo.payment p where p.mchid = split_part(${row}.payment, ':', 1)
      and p.out_trade_no = split_part(${row}.payment, ':', 2) and p.appid = ${row}.appid
  ) or exists (
    select from fahuo.payment p where p.sub_mchid = split_part(${row}.payment, ':', 1)
      and p.out_trade_no = split_part(${row}.payment, ':', 2) and p.appid = ${row}.appid
  ) or exists (
    select from fahuo.payment_alias a join fahuo.payment p on p.transaction_id = a.transaction_id and p.appid = a.appid
    where a.appid = ${row}.appid and a.payment = ${row}.payment
  ))`;
