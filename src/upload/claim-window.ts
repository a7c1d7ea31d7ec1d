/** A claim is asked for when there is room for this part of a window, since a small one costs almost as much as a large one. */
const claimPart = 4;

/**
 * How many rows an app has claimed at most: a window of calls, and `ahead` more, so that a call that ends finds its
 * successor at hand.
 */
export type ClaimWindow = { window: number; ahead: number };

export const openClaimWindow = (window: number): ClaimWindow => ({ window, ahead: window });

/** How many rows to claim now; 0 when there is no room that is worth a claim. Pure. */
export function rowsToClaim(
  { window, ahead }: ClaimWindow,
  claimed: { busy: number; ready: number },
): number {
  const room = window + ahead - claimed.busy - claimed.ready;
  const worthAClaim = Math.max(1, Math.min(ahead, window / claimPart));
  return room >= worthAClaim ? room : 0;
}

/**
 * The window after a grant. Under a limit rows would wait with a lease: no more of them are claimed ahead than the next
 * grant can use. Pure.
 */
export const afterGrant = (
  { window, ahead }: ClaimWindow,
  { wanted, granted }: { wanted: number; granted: number },
): ClaimWindow => ({
  window,
  ahead: granted < wanted ? Math.max(1, granted) : Math.min(window, ahead * 2),
});
