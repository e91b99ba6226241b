/** Who a call is made for, as the authenticator established it. */
export interface Caller {
  /** The token's `sub`. */
  readonly userId: string;
  /** May register providers of scope `all`. */
  readonly administrator: boolean;
  /** When the token stops being honoured; live sessions end then. */
  readonly expiresAt?: Date;
  /** Set only inside a worker: the provider that acts, in its owner's name. */
  readonly providerId?: string;
}
