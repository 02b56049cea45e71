/** Made by `scripts/emoji.ts` when the client is built. */
declare module "virtual:emoji" {
  const rows: readonly (readonly [emoji: string, group: number, names: string, words: string])[];
  export default rows;
}
