// stopword brings no types: the list that is used of it.
declare module 'stopword' {
  /** English words that name nothing: articles, prepositions, pronouns, … */
  export const eng: readonly string[];
}
