export type OffsetsFile =
  { kind: 'offsets'; offsets: ReadonlyMap<number, number> } | { kind: 'bad'; line: number; rule: string };

const shape = /^"?(?<topic>[\w.-]+)"?,(?<partition>\d{1,9}),(?<offset>\d{1,15})$/;

/**
 * `topic,partition,offset` a line, as `kafka-consumer-groups --export` and `--reset-offsets --from-file` have it. Lines of
 * other topics are passed over, as that tool does. Pure.
 */
export function parseOffsetsFile(text: string, topic: string): OffsetsFile {
  const offsets = new Map<number, number>();
  for (const [index, line] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    if (line.trim() === '') continue;
    const found = shape.exec(line.trim())?.groups;
    if (found === undefined) return { kind: 'bad', line: index + 1, rule: 'must be topic,partition,offset' };
    if (found['topic'] !== topic) continue;
    const partition = Number(found['partition']);
    if (offsets.has(partition))
      return { kind: 'bad', line: index + 1, rule: `names partition ${partition} a second time` };
    offsets.set(partition, Number(found['offset']));
  }
  return offsets.size > 0
    ? { kind: 'offsets', offsets }
    : { kind: 'bad', line: 1, rule: `no line is of the topic ${topic}` };
}
