/** What is stored with a name. What names are to those who use them says the port, NameStore. */
export interface Owned<T> {
  readonly data: T;
  /** Tells this claim from every other. */
  readonly id: string;
}
