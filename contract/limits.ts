// The limits of a request, shared by the command line, the edge and the page. Stated in the edge's OpenAPI document.

export const LIMITS = {
  /** Characters (Unicode code points) of a seed that is text, as given. */
  seedCharacters: 256,
  /** Pictures computed in one ONNX batch; more are computed batch after batch. */
  batch: 64,
  /** Pictures of one grid or one generations request. */
  pictures: 256,
  /** Nearest-neighbour enlargement. */
  scale: 32,
  /** Frames of one walk, and frames a second. */
  frames: 120,
  fps: 50,
  /** Pixels of one answer, all pictures or frames together, after scaling. */
  pixels: 4_194_304,
  /** Bytes of a request body. */
  bodyBytes: 16_384,
  /** A picture that is sent to be encoded: bytes of the file, pixels, pixels a side. */
  uploadBytes: 4_194_304,
  uploadPixels: 2_097_152,
  uploadSide: 8192,
  /** Classes of a model (keeps ⌊word × classes⌋ exact). */
  classes: 65_536,
} as const;
