/** Something on this machine stands in the way: one sentence that says what, and one that says what to do about it. */
export class LocalFailure extends Error {
  override readonly name = 'LocalFailure';
  readonly advice: string;

  constructor(message: string, advice: string, options?: ErrorOptions) {
    super(message, options);
    this.advice = advice;
  }
}
