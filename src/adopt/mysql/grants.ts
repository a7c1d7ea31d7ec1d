/** What `SHOW GRANTS` says. Pure. */

/** `unknown` where a role that may have it is granted: its own rights are not listed. */
export type HasRight = 'yes' | 'no' | 'unknown';

const line = /^GRANT (.+?) ON (?:TABLE )?(\*|`[^`]+`|"[^"]+"|\w+)\.(\*|`[^`]+`|"[^"]+"|\w+) TO /i;

export function hasRight(
  grants: readonly string[],
  right: string,
  on: { database: string; table: string },
): HasRight {
  const holds = grants.some((text) => {
    const [, rights = '', database = '', table = ''] = line.exec(text) ?? [];
    return (
      isListed(rights, right) && isDatabase(bare(database), on.database) && isTable(bare(table), on.table)
    );
  });
  if (holds) return 'yes';
  return grants.some((text) => !line.test(text) && !/^GRANT PROXY /i.test(text)) ? 'unknown' : 'no';
}

/** Over everything: SUPER, READ ONLY ADMIN. */
export const hasGlobalRight = (grants: readonly string[], rights: readonly string[]): boolean =>
  grants.some((text) => {
    const [, listed = '', database, table] = line.exec(text) ?? [];
    return database === '*' && table === '*' && rights.some((right) => isListed(listed, right));
  });

const isListed = (rights: string, right: string): boolean =>
  rights
    .split(/,\s*/)
    .some((one) => /^ALL( PRIVILEGES)?$/i.test(one) || one.toUpperCase() === right.toUpperCase());

const bare = (name: string): string => name.replace(/^[`"]|[`"]$/g, '');

/** `%` and `_` of a grant stand for any characters; `\_` is itself. */
function isDatabase(pattern: string, database: string): boolean {
  if (pattern === '*') return true;
  const source = pattern.replace(/\\?[\s\S]/g, (sign) => {
    if (sign === '%') return '.*';
    if (sign === '_') return '.';
    return sign.slice(-1).replace(/[.*+?^${}()|[\]\\]/, '\\$&');
  });
  return new RegExp(`^${source}$`, 'i').test(database);
}

const isTable = (name: string, table: string): boolean =>
  name === '*' || name.toLowerCase() === table.toLowerCase();
