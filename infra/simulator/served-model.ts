import { Engine } from "./engine/engine.ts";
import type { Settings, Speech } from "./options.ts";
import { queueFull, unknownModel } from "./problems.ts";
import { voiceOf, type Voice } from "./text/generator.ts";

/** A model with an engine of its own. */
export interface ServedModel {
  /** The name in answers. */
  readonly name: string;
  readonly names: readonly string[];
  readonly speech: Speech;
  readonly engine: Engine;
  readonly voice: Voice;
}

/** The models of a simulator, found by any of their names. */
export class ServedModels {
  readonly all: readonly ServedModel[];

  constructor({ models, profile, clock, answerTokensMean }: Settings) {
    this.all = models.map(({ names, speech, contextTokens }) => ({
      name: names[0],
      names,
      speech,
      engine: new Engine({ ...profile, contextTokens }, clock),
      voice: voiceOf(speech, answerTokensMean),
    }));
  }

  /** The model of that name; with no name the first that fits. Throws vLLM's 404. */
  find(name: string | null, isEmbedding: boolean): ServedModel {
    const fitting = this.all.filter(({ speech }) => (speech === "vectors") === isEmbedding);
    const model = name === null || name === "" ? fitting[0] : fitting.find(({ names }) => names.includes(name));
    if (!model) throw unknownModel(name ?? "", isEmbedding ? null : fitting.flatMap(({ names }) => names));
    return model;
  }
}

/**
 * Throws vLLM's 503 when the model's engine has no room for so many sequences. It comes after the model is known, and
 * before its parameters are looked at.
 */
export function admit({ engine }: ServedModel, sequences: number): void {
  if (!engine.admits(sequences)) throw queueFull();
}
