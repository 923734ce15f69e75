/** `work` for every item, at most `concurrency` at once; results in order. Rejects with the first error after all have ended. */
export async function each<T, R>(
  items: readonly T[],
  concurrency: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(items.length);
  const errors: unknown[] = [];
  let at = 0;
  const worker = async () => {
    while (at < items.length) {
      const i = at++;
      try {
        results[i] = await work(items[i] as T);
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker));
  if (errors.length > 0) throw errors[0];
  return results;
}
