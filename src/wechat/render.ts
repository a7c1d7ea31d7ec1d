import { FahuoError } from '../errors.ts';

const beijingOffsetMs = 8 * 3_600_000;

/** RFC 3339 in +08:00 with exactly three digits, as WeChat's own examples have it; wechat.md §6.6. */
export function formatUploadTime(at: Date): string {
  return new Date(at.getTime() + beijingOffsetMs).toISOString().replace('Z', '+08:00');
}

/** The instant that an `upload_time` names; null unless {@link formatUploadTime} writes exactly this text. */
export function parseUploadTime(text: string): Date | null {
  const at = new Date(text);
  // Date rolls 30 February over into March: only what is written back the same was a time.
  return Number.isNaN(at.getTime()) || formatUploadTime(at) !== text ? null : at;
}

/**
 * The body to send: the frozen one, every character kept, with `upload_time` spliced in as the last member.
 * `frozenBody` is the text of a JSON object without `upload_time`; anything that has no closing brace is a bug.
 */
export function withUploadTime(frozenBody: string, uploadTime: Date): string {
  const end = frozenBody.lastIndexOf('}');
  if (end < 1) throw new FahuoError('INVARIANT', 'a frozen body is not the text of a JSON object');
  const head = frozenBody.slice(0, end);
  const comma = head.trim() === '{' ? '' : ',';
  return `${head}${comma}"upload_time":"${formatUploadTime(uploadTime)}"${frozenBody.slice(end)}`;
}
