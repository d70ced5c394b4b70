/**
 * A list of numbers, read as one choice after the other. Where it is at its end every choice is 0, the simplest, so that
 * fewer and smaller numbers are smaller programs: fast-check shrinks by itself.
 */
export class Choices {
  #list;
  #at = 0;
  constructor(list) {
    this.#list = list;
  }
  /** 0 … n - 1 */
  next(n) {
    return (this.#list[this.#at++] ?? 0) % n;
  }
  pick(options) {
    return options[this.next(options.length)];
  }
  /** Once in n times, and not where the list is at its end. */
  rarely(n) {
    return this.next(n) === n - 1;
  }
}
