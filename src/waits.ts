/** What this process waits for, by who waits: a neighbour that is away or refuses. /readyz and a gauge tell it. */
export class Waits {
  readonly #reasons = new Map<string, string>();
  readonly #onChange: (who: string, waits: boolean) => void;

  constructor(onChange: (who: string, waits: boolean) => void = () => undefined) {
    this.#onChange = onChange;
  }

  /** `who` goes on when there is no reason any more. */
  set(who: string, reason: string | null): void {
    if (reason === null) this.#reasons.delete(who);
    else this.#reasons.set(who, reason);
    this.#onChange(who, reason !== null);
  }

  all = (): Record<string, string> => Object.fromEntries(this.#reasons);
}
