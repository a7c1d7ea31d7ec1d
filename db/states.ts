/** The closed lists that the database, the types and the documents share. A state is one word; verbs are transitions. */

export const uploadStates = [
  'pending', // may be claimed when next_attempt_at has come
  'uploading', // claimed: a send may be on the wire
  'unknown', // a send was made and nobody knows its effect: only get_order may follow
  'parked', // waits for a person or a slow retry
  'acknowledged', // WeChat holds this event's content
  'rejected', // WeChat, or a rule of ours, refused it for good
  'superseded', // a newer restatement took its place
] as const;
export type UploadState = (typeof uploadStates)[number];

export const finalUploadStates = ['acknowledged', 'rejected', 'superseded'] as const satisfies UploadState[];
export type FinalUploadState = (typeof finalUploadStates)[number];

/** What an event's writer is told of it (fahuo.events). */
export const eventStates = ['waiting', ...finalUploadStates] as const;
export type EventState = (typeof eventStates)[number];

/** Where an event is. */
export const eventPlaces = [
  'outbox', // committed, and not published yet
  'relay', // parked by the relay, see relayParkReasons
  'topic', // published to Kafka, and not consumed yet
  'pending', // these four: an upload row in this state
  'uploading',
  'unknown',
  'parked',
  'sending', // the call of a receipt may be on the wire
  'final',
] as const;
export type EventPlace = (typeof eventPlaces)[number];

/** Why a row is read before its first send although no other row of its payment was sent. Most rows have none. */
export const uploadCautions = [
  'forgotten', // earlier versions were forgotten: a tombstone says what they did
  'older', // the event is older than this database: another one may have sent it, so it is never restated
  'backfill', // an old order of an adopted shop, which may have uploaded it itself: what WeChat shows as shipped stays
  'lost', // its row was gone, and reconcile offered the event again: it may have been sent
] as const;
export type UploadCaution = (typeof uploadCautions)[number];

export const uploadKinds = ['shipped', 'corrected'] as const;
export type UploadKind = (typeof uploadKinds)[number];

/** Of the one reminder to confirm receipt that a payment has (wechat.md §1.5). */
export const receiptStates = [
  'pending', // waits: for its upload, for WeChat to show it as shipped, for its turn
  'sending', // the call is committed to, and may be on the wire
  'unknown', // the call may have had its effect: it is never made again by itself
  'acknowledged', // WeChat took the reminder, or had taken one before
  'rejected', // WeChat, or a rule of ours, refused it for good
  'moot', // the buyer has confirmed, or the money is settled: a reminder would do nothing
  'forgotten', // it ended one of these ways so long ago that this alone is kept: the payment has had its reminder
] as const;
export type ReceiptState = (typeof receiptStates)[number];

export const finalReceiptStates = ['acknowledged', 'rejected', 'moot'] as const satisfies ReceiptState[];
export type FinalReceiptState = (typeof finalReceiptStates)[number];

/** Who says that the parcels have arrived. */
export const receiptOrigins = [
  'shop', // by fahuo.notify_receipt
  'event', // by a received event
  'trace', // the carrier, by query_trace
  'person', // by fahuo wechat notify-confirm-receive
] as const;
export type ReceiptOrigin = (typeof receiptOrigins)[number];

/** Of a payment whose parcels are followed to their receipt. */
export const traceStates = [
  'waiting', // for its upload; the buyer's phone is kept, sealed
  'following', // WeChat follows the parcels; the phone is forgotten
  'signed', // all have arrived, and the receipt is on record
  'ended', // they cannot be followed, or nobody needs to know any more
] as const;
export type TraceState = (typeof traceStates)[number];

/** What one call about a receipt was. */
export const receiptCallKinds = ['read', 'notify', 'trace', 'query'] as const;
export type ReceiptCallKind = (typeof receiptCallKinds)[number];

/** What one attempt was: a write, or the read that decides about one. */
export const attemptKinds = ['send', 'read'] as const;
export type AttemptKind = (typeof attemptKinds)[number];

/** Why a message never became an upload row. */
export const deadLetterReasons = [
  'undecodable', // not JSON, not UTF-8, no value
  'invalid', // breaks the event contract
  'conflict', // the same payment and version (or event id) with other content
  'second_correction', // a payment has one correction
] as const;
export type DeadLetterReason = (typeof deadLetterReasons)[number];

/** A replay that somebody executed. */
export const replayStates = [
  'running', // a process works at it while its lease lasts; afterwards it may be resumed
  'paused', // by a person: it may be resumed
  'incomplete', // the topic did not give all: it may be resumed
  'cancelled',
  'done',
] as const;
export type ReplayState = (typeof replayStates)[number];

/** Why an upload row waits in `parked`. */
export const parkReasons = [
  'payment_not_found', // 10060001 for 24 h after the first send: retried daily to day 14
  'conflict', // WeChat holds other content, or another mode or type: a correction or a person decides
  'not_shippable', // 10060004 and the read does not settle it
  'unreadable', // the read itself keeps failing
  'unrecognised', // an errcode that the table does not know, and the read does not settle it
  'older_event', // WeChat holds something, and an event from before this database must not restate it
  'unrecorded', // WeChat answered, and the database refused every form of the record
] as const;
export type ParkReason = (typeof parkReasons)[number];

/**
 * What reconcile lists again and again. `recent`: what is to ship, of the payments since the last time. `whole`: every
 * state, of all payments that may still change. `asked`: single payments that somebody wished, or that need a second read.
 */
export const sweeps = ['recent', 'whole', 'asked'] as const;
export type Sweep = (typeof sweeps)[number];

/** How what WeChat shows contradicts what we hold of a payment; believed when two reads apart show it. */
export const findingKinds = [
  'not_held', // to ship there, acknowledged here: goes back to be read and sent
  'lost', // to ship there, its event was consumed, and no upload row is left of it: offered again
  'console_edit', // other parcels there than we sent: recorded, and nothing is sent
] as const;
export type FindingKind = (typeof findingKinds)[number];

/** Where the money of a payment is, and what it waits for. */
export const moneyPlaces = [
  'no_event', // to ship, and no event names it
  'in_outbox', // its event is on its way to an upload
  'waiting', // its upload is under way to WeChat
  'parked', // its upload waits for a person or a slow retry
  'conflict', // WeChat holds other content
  'refused', // its event was refused, and no other came
  'part_shipped', // WeChat has some of its parcels, and waits for the rest
  'shipped', // the buyer has not confirmed yet: it comes by itself on a day
  'confirmed', // the buyer has it: the money is on its way
  'settled',
  'refunded',
] as const;
export type MoneyPlace = (typeof moneyPlaces)[number];

/** Why the relay does not publish a row of the outbox in its turn. */
export const relayParkReasons = [
  'too_large', // Kafka refuses it for its size
  'waits_behind', // an earlier row of its payment is parked
  'passed_over', // it was written behind the cursor: by a sequence that was set back, or into a detached partition
] as const;
export type RelayParkReason = (typeof relayParkReasons)[number];

/** Why an event has the state that it has: these, and the reasons above. An acknowledged one has none. */
export const eventReasons = [
  'not_published', // the relay has not come to it
  'not_consumed', // the consumer has not come to it
  'app_not_served', // no instance serves its app
  'app_paused', // by a person, or by what WeChat answered
  'wechat_unreachable', // calls of its app do not go out
  'sending', // a call is on the wire
  'outcome_unknown', // a call was made, and a read tells what became of it
  'older_version_first', // an older version of its payment is under way
  'older_than_database', // it waits until nothing newer of its payment comes
  'not_visible_yet', // WeChat does not know the payment yet
  'read_before_write', // its payment was written to before, or may have been
  'due', // it is sent as soon as a call is free
  'refused', // WeChat, or a rule of ours, refused it for good
  'resolved', // a person ended it
  'newer_version', // a newer restatement took its place
  'forgotten', // it repeats what was ended and forgotten
  'shipment_first', // a receipt waits for the shipment, and for WeChat to show it
  'reminder_unknown', // the reminder may have gone out: it is never made again by itself
  'reminder_refused', // WeChat, or a rule of ours, refused the reminder
  'receipt_confirmed', // the buyer has confirmed, or the money is settled
  'second_reminder', // another word of the receipt came first: a payment has one reminder
  ...parkReasons,
  ...relayParkReasons,
  ...deadLetterReasons,
] as const;
export type EventReason = (typeof eventReasons)[number];

/**
 * Of a payment, or a key, of an adopted shop. `said`: an event carries what the shop shows. `nothing`: nothing is shipped yet.
 * `skipped`: WeChat has no part in it. `held`: a person, or a change in the shop, must mend it. `proposed`: a correction
 * waits for a person. `failed`: the parts query fails over it, and is tried again. `gone`: the shop has deleted it.
 */
export const adoptStates = ['said', 'nothing', 'skipped', 'held', 'proposed', 'failed', 'gone'] as const;
export type AdoptState = (typeof adoptStates)[number];

/** WeChat tells the settlement of a payment twice (wechat.md §4): when its shipping is complete, and when it settles. */
export const pushPhases = ['shipped', 'settled'] as const;
export type PushPhase = (typeof pushPhases)[number];

/** Of an answer that the webhook carries. `sending`: a request is, or may be, on the wire. */
export const webhookStates = ['waiting', 'sending', 'delivered'] as const;
export type WebhookState = (typeof webhookStates)[number];
