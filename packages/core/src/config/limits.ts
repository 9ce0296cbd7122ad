/** Limits of configuration: what a broken or hostile source may cost. */
export const configLimits = {
  /** Problems listed in one error; the rest are counted. */
  problemsMax: 50,
  /** Nesting of options; anything deeper is taken as one value. */
  depthMax: 16,
  /** Characters of a found value that an error shows. */
  shownCharsMax: 64,
  /** Bytes of a JSON configuration file. */
  jsonFileBytesMax: 1_048_576,
  /** Milliseconds a configuration module may take to load: one that awaits for ever is an error. */
  moduleMsMax: 10_000,
  /** Folders searched upwards for a configuration file. */
  foldersMax: 64,
} as const;
