import list from './carriers.json' with { type: 'json' };

const carriers: ReadonlyMap<string, string> = new Map(list as [id: string, name: string][]);

/**
 * The carriers that ship with fahuo: id → name, exactly as WeChat writes them. Ids are opaque and case-sensitive
 * (`dao`, `5Post`, `COMET-TECH`). The start of `fahuo.carrier`, which follows WeChat's list (src/carriers); wechat.md §5.
 */
export const bundledCarriers = (): ReadonlyMap<string, string> => carriers;
