/** A number in [0, 1) for the n-th event of one kind; the same `n` always rolls the same. */
export type Die = (n: number) => number;

/** Where every random decision comes from. */
export interface Dice {
  /** One independent stream of decisions per purpose ("read", "drop", ...). */
  for(purpose: string): Die;
}

/**
 * Creates dice from a seed. Rolls are hashes of (seed, purpose, n) and keep no state, so the fate of request n does not
 * depend on how many requests run at once or on which other knobs are turned.
 */
export function createDice(seed: string): Dice {
  return {
    for(purpose) {
      const key = hashText(`${seed}\0${purpose}`);
      return (n) => mix(key ^ Math.imul(n + 1, 0x9e3779b1)) / 2 ** 32;
    },
  };
}

/** FNV-1a over the UTF-16 units. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix(hash);
}

/** The finalizer of MurmurHash3: every input bit reaches every output bit. */
function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
