import { pausedRemedy } from '../../webhook/send.ts';
import type { WebhookHealth } from '../../webhook/status-store.ts';

/** How the webhook does, in lines of `fahuo status`. Pure. */
export function describeWebhook(health: WebhookHealth): string[] {
  const { origin, waiting, waitingSeconds, refused, failingSince, pausedAt, reason, forgotten } = health;
  const oldest = waiting === 0 ? '' : `, the oldest for ${waitingSeconds.toFixed(0)} s`;
  const since = pausedAt ?? failingSince;
  const word = pausedAt === null ? 'FAILS' : 'PAUSED';
  return [
    `webhook  ${origin}: ${waiting} wait${oldest}${refused === 0 ? '' : `, ${refused} were refused: fahuo webhook status`}`,
    ...(since === null
      ? []
      : [
          `         ${word} since ${since.toISOString()}: ${reason ?? 'unknown'}${pausedAt === null ? '' : `; ${pausedRemedy}`}`,
        ]),
    ...(forgotten === 0
      ? []
      : [`         ${forgotten} were DROPPED for their age: fahuo.acknowledgements has them`]),
  ];
}
