/**
 * Why a call is refused: the status and the field at fault, written in vLLM's form. 501 stands for what llama.cpp could
 * do and this server does not.
 */
export class GgufError extends Error {
  readonly status: 400 | 404 | 501 | 503;
  readonly param: string | null;

  constructor(status: 400 | 404 | 501 | 503, message: string, param: string | null = null) {
    super(message);
    this.status = status;
    this.param = param;
  }

  get body(): { error: { message: string; type: string; param: string | null; code: number } } {
    return { error: { message: this.message, type: types[this.status], param: this.param, code: this.status } };
  }
}

const types = {
  400: "BadRequestError",
  404: "NotFoundError",
  501: "NotImplementedError",
  503: "Service Unavailable",
} as const;
