import { EngineCore } from "./engine/engine.ts";
import type { SimulatorSettings, ModelOutput } from "./options.ts";
import { makeQueueFull, makeUnknownModel } from "./problems.ts";
import { makeGenerator, type TokenGenerator } from "./text/generator.ts";

/** A model with an engine of its own. */
export interface ServedModel {
  /** The name in answers. */
  readonly name: string;
  readonly names: readonly string[];
  readonly speech: ModelOutput;
  readonly engine: EngineCore;
  readonly nextToken: TokenGenerator;
  /** As in ModelOptions. */
  readonly mediaTokens: number;
  readonly thinkingTokens: number;
}

/** The models of a simulator, found by any of their names. */
export class ServedModels {
  readonly all: readonly ServedModel[];

  constructor({ models, profile, clock, answerTokensMean }: SimulatorSettings) {
    this.all = models.map(({ names, output: speech, contextTokens, mediaTokens, thinkingTokens }) => ({
      name: names[0],
      names,
      speech,
      engine: new EngineCore({ ...profile, contextTokens }, clock),
      nextToken: makeGenerator(speech, answerTokensMean),
      mediaTokens,
      thinkingTokens,
    }));
  }

  /** The model of that name; with no name the first that fits. Throws vLLM's 404. */
  find(name: string | null, isEmbedding: boolean): ServedModel {
    const wanted: readonly ModelOutput[] = isEmbedding ? ["vectors"] : ["prose", "sql"];
    const fitting = this.all.filter(({ speech }) => wanted.includes(speech));
    const model = name === null || name === "" ? fitting[0] : fitting.find(({ names }) => names.includes(name));
    if (!model) throw makeUnknownModel(name ?? "", isEmbedding ? null : fitting.flatMap(({ names }) => names));
    return model;
  }

  /** The model of that name that answers with this; with no name the first. Throws vLLM's 404. */
  findBy(output: ModelOutput, name: string | null): ServedModel {
    const fitting = this.all.filter(({ speech }) => speech === output);
    const model = name === null || name === "" ? fitting[0] : fitting.find(({ names }) => names.includes(name));
    if (!model) throw makeUnknownModel(name ?? "", null);
    return model;
  }
}

/**
 * Throws vLLM's 503 when the model's engine has no room for so many sequences. It comes after the model is known, and
 * before its parameters are looked at.
 */
export function admit({ engine }: ServedModel, sequences: number): void {
  if (!engine.admits(sequences)) throw makeQueueFull();
}
