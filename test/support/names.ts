import { randomBytes } from 'node:crypto';

/** A topic, group or key that no other test and no earlier run uses. */
export const uniqueName = (prefix: string): string => `${prefix}-${randomBytes(5).toString('hex')}`;
