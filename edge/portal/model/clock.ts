import { onScopeDispose, ref, type Ref } from "vue";

/** The moment, in Unix ms. Everything in the portal that needs it takes it from here. */
export function readNow(): number {
  return Date.now();
}

/** The moment as a value that goes on by itself, every `everyMs`, as long as its component is there. */
export function useNow(everyMs = 1_000): Ref<number> {
  const now = ref(readNow());
  const timer = setInterval(() => (now.value = readNow()), everyMs);
  onScopeDispose(() => clearInterval(timer));
  return now;
}
