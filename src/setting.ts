import { z } from 'zod';

/** What a variable may hold, and what holds while it is unset. */
export type Kind<T> = {
  schema: z.ZodType<Exclude<T, undefined>, string>;
  /** As an operator would write it, and parsed like any other value. */
  fallback: string | undefined;
};

/** One environment variable. Its output is the option of the stage that keeps the setting. */
export type Setting<T = unknown> = Kind<T> & {
  name: string;
  description: string;
  /** Masked wherever it is shown, and readable from the file that `NAME_FILE` names. */
  secret: boolean;
  /** What other programs call the same thing: said when one of them is set and `name` is not. */
  aliases: readonly string[];
};

export type Settings = Readonly<Record<string, Setting>>;
export type Values<S extends Settings> = {
  readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never;
};

export const setting = <T>(
  name: string,
  kind: Kind<T>,
  description: string,
  aliases: readonly string[] = [],
): Setting<T> => ({ ...kind, name, description, aliases, secret: false });

export const secret = <T>(
  name: string,
  kind: Kind<T>,
  description: string,
  aliases: readonly string[] = [],
): Setting<T> => ({ ...kind, name, description, aliases, secret: true });

/** Without a fallback the option may be undefined. */
function kind<T>(schema: z.ZodType<T, string>, fallback: string): Kind<T>;
function kind<T>(schema: z.ZodType<T, string>, fallback?: string): Kind<T | undefined>;
function kind<T>(schema: z.ZodType<T, string>, fallback?: string): Kind<T | undefined> {
  return { schema: schema as z.ZodType<Exclude<T, undefined>, string>, fallback };
}

export function text(): Kind<string | undefined>;
export function text(fallback: string): Kind<string>;
export function text(fallback?: string): Kind<string | undefined> {
  return kind(z.string(), fallback);
}

/** Text of one shape; `rule` says which. */
export function shaped(shape: RegExp, rule: string): Kind<string | undefined>;
export function shaped(shape: RegExp, rule: string, fallback: string): Kind<string>;
export function shaped(shape: RegExp, rule: string, fallback?: string): Kind<string | undefined> {
  return kind(z.string().regex(shape, rule), fallback);
}

/** `problem` looks at what the scheme alone does not tell; null where all is well. */
type UrlOptions = { fallback?: string; problem?: (value: string) => string | null };

export function url(schemes: readonly string[], options: UrlOptions & { fallback: string }): Kind<string>;
export function url(schemes: readonly string[], options?: UrlOptions): Kind<string | undefined>;
export function url(
  schemes: readonly string[],
  { fallback, problem = () => null }: UrlOptions = {},
): Kind<string | undefined> {
  const fits = (value: string): boolean =>
    schemes.some((scheme) => value.startsWith(`${scheme}://`)) && URL.canParse(value);
  const schema = z
    .string()
    .refine(fits, { error: `must be a URL with the scheme ${schemes.join(' or ')}`, abort: true })
    .superRefine((value, context) => {
      const message = problem(value);
      if (message !== null) context.addIssue({ code: 'custom', message });
    });
  return kind(schema, fallback);
}

/** `host:port`, several with commas between. */
export const addresses = (): Kind<readonly string[] | undefined> => {
  const rule = 'must be host:port, several with commas between';
  const split = (value: string): string[] =>
    value
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
  return kind(
    z
      .string()
      .transform(split)
      .refine((all) => all.length > 0 && all.every((one) => /^[^:\s]+:\d+$/.test(one)), { error: rule }),
  );
};

export const flag = (fallback: boolean): Kind<boolean> =>
  kind(
    z.enum(['true', 'false'], { error: 'must be true or false' }).transform((value) => value === 'true'),
    String(fallback),
  );

/** One of a few words, in whatever case. */
export function choice<const C extends string>(of: readonly [C, ...C[]]): Kind<C | undefined>;
export function choice<const C extends string>(of: readonly [C, ...C[]], fallback: NoInfer<C>): Kind<C>;
export function choice<const C extends string>(of: readonly [C, ...C[]], fallback?: C): Kind<C | undefined> {
  const most = of.slice(0, -1).join(', ');
  const schema = z
    .string()
    .transform((value) => value.toLowerCase())
    .pipe(z.enum(of, { error: `must be ${most} or ${of.at(-1) ?? ''}` }));
  return kind(schema as unknown as z.ZodType<C, string>, fallback);
}

const bounded = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+(\.\d+)?$/, 'must be a number')
    .transform(Number)
    .refine((value) => value >= min && value <= max, { error: `must be from ${min} to ${max}` });

export const number = (min: number, max: number): Kind<number | undefined> => kind(bounded(min, max));

const wholeNumber = (min: number, max: number) =>
  bounded(min, max).refine(Number.isInteger, { error: 'must be a whole number' });

export const whole = (fallback: number, min: number, max: number): Kind<number> =>
  kind(wholeNumber(min, max), String(fallback));

/** 0 takes any free port; unset opens none. */
export const port = (): Kind<number | undefined> => kind(wholeNumber(0, 65_535));

const dayMs = 86_400_000;

/** Milliseconds, up to a day. */
export const ms = (fallback: number): Kind<number> => whole(fallback, 1, dayMs);

/** Days as an operator writes them, milliseconds as an option. */
export const days = (fallback: number): Kind<number> =>
  kind(
    wholeNumber(1, 36_500).transform((value) => value * dayMs),
    String(fallback),
  );
