import type { EngineEndpoint } from "../../agreements/paths.ts";
import { findByName, type ModelRecord } from "../../agreements/records/model.ts";
import { Refusal, type NamedModel } from "../../errors.ts";
import { quoteName } from "../quote.ts";

/**
 * The refusal of a model that is not there. It is the same for one that the caller may not use, so that nobody learns
 * what others have. A call may leave its model out: then there is no name.
 */
export function refuseModel(name: string, param = "model"): Refusal {
  const which = name === "" ? "The model" : `The model '${quoteName(name)}'`;
  return new Refusal("model_not_found", {
    param,
    message: `${which} does not exist or you do not have access to it.`,
  });
}

/** Runs what depends on a model; whatever it refuses is marked as telling of that model. */
export function markModel<Result>(about: NamedModel, work: () => Result): Result {
  try {
    return work();
  } catch (failure) {
    if (!(failure instanceof Refusal)) throw failure;
    throw new Refusal(failure.code, { ...failure.details, about });
  }
}

/**
 * Finds a model by its id or an alias; refuses one that does not serve the endpoint, and names one that is not there.
 */
export function findModel(models: readonly ModelRecord[], name: string, endpoint: EngineEndpoint): ModelRecord {
  const model = findByName(models, name);
  if (!model) throw refuseModel(name);
  if (model.endpoints.includes(endpoint)) return model;
  throw new Refusal("invalid_value", { param: "model", message: `This model does not serve ${endpoint}.` });
}
