import { days, flag, ms, setting, whole, type Values } from '../setting.ts';

export const reconcileSettings = {
  enabled: setting(
    'FAHUO_RECONCILE',
    flag(true),
    'Let the role reconcile list payments by itself; `fahuo reconcile` does so in any case.',
  ),
  everyMs: setting(
    'FAHUO_RECONCILE_EVERY_MS',
    ms(300_000),
    'From one listing of what is to ship to the next.',
  ),
  wholeEveryMs: setting(
    'FAHUO_RECONCILE_WHOLE_EVERY_MS',
    ms(21_600_000),
    'From one listing of all payments, in every state, to the next.',
  ),
  horizonMs: setting(
    'FAHUO_RECONCILE_DAYS',
    days(30),
    'How old a payment may be and still be listed: longer than a sale takes to settle.',
  ),
  overlapMs: setting(
    'FAHUO_RECONCILE_OVERLAP_MS',
    ms(1_800_000),
    'How far each listing reaches back behind the last one: payments reach WeChat’s shipping late.',
  ),
  apartMs: setting(
    'FAHUO_RECONCILE_APART_MS',
    ms(600_000),
    'Between the two reads that are needed before WeChat’s word counts more than our own record.',
  ),
  pageSize: setting(
    'FAHUO_RECONCILE_PAGE_SIZE',
    whole(50, 1, 100),
    'Payments a page of the list; WeChat documents 100, and some say that it gives 50.',
  ),
};

export type ReconcileSettings = Values<typeof reconcileSettings>;
