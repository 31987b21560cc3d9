export function total(hits: number, misses: number): string {
  let unused = 1;
  const ratio = hits / missing;
  const label: { a: string; b: { c: number } } = { a: "x", b: { c: "y" } };
  return hits + misses;
}
