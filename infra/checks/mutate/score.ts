/** What came of one part. */
export interface Score {
  part: string;
  mutants: number;
  /** Mutants that a test noticed, by failing or by never ending. */
  noticed: number;
  /** Where those stand that no test noticed. */
  survivors: string[];
}
