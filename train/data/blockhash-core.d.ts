declare module 'blockhash-core' {
  /** Block mean value hash of RGBA pixels, bits² bits as hexadecimal digits. */
  export function bmvbhash(image: { width: number; height: number; data: ArrayLike<number> }, bits: number): string;
}
