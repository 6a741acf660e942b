/** The result of one part. */
export interface Score {
  part: string;
  mutants: number;
  /** Mutants that a test noticed, by failing or by never ending. */
  noticed: number;
  /** Where the mutants are that no test noticed. */
  survivors: string[];
}
