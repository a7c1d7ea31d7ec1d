/**
 * Now, for what is held to a column of times: these round to milliseconds, up as well as down, so what is due since a moment
 * ago would half the time be due in the next look. Stable, so that it can bound an index scan.
 */
export const dueNow = 'now()::timestamptz(3)';
