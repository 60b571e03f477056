// Names of files and folders may hold anything; what is shown is one line.

/** For sentences, tables and headings: control characters and line breaks are `?`, as letters are that a font lacks. Data keeps its names. */
export const printable = (text: string): string => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, '?');
