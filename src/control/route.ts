import type { z } from 'zod'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** What a request carries, checked. */
export interface RouteInput<P, Q, B> {
  readonly params: P
  readonly query: Q
  readonly body: B
}

type Output<S> = S extends z.ZodType ? z.output<S> : undefined
type Input<S> = S extends z.ZodType ? z.input<S> : undefined

/**
 * One operation of the control API, defined once: the server mounts it, the client calls it, the OpenAPI document
 * describes it.
 * @typeParam C what the handler works with
 */
export interface Route<
  C = never,
  P extends z.ZodType | undefined = z.ZodType | undefined,
  Q extends z.ZodType | undefined = z.ZodType | undefined,
  B extends z.ZodType | undefined = z.ZodType | undefined,
  R extends z.ZodType = z.ZodType,
> {
  readonly method: Method
  /** With parameters in braces: `/accounts/{address}`. */
  readonly path: string
  readonly summary: string
  readonly params?: P
  readonly query?: Q
  readonly body?: B
  readonly response: R
  /** @throws MailError, UserError, ConfigError */
  run(context: C, input: RouteInput<Output<P>, Output<Q>, Output<B>>): Promise<z.output<R>>
}

// biome-ignore lint/suspicious/noExplicitAny: the top of all routes
export type AnyRoute<C = any> = Route<C, any, any, any, any>

/** Types a route by its schemas. */
export function defineRoute<
  C,
  R extends z.ZodType,
  P extends z.ZodType | undefined = undefined,
  Q extends z.ZodType | undefined = undefined,
  B extends z.ZodType | undefined = undefined,
>(route: Route<C, P, Q, B, R>): Route<C, P, Q, B, R> {
  return route
}

/** What a caller of the route gives; only what the route takes. */
export type CallInput<T> =
  T extends Route<never, infer P, infer Q, infer B>
    ? (P extends z.ZodType ? { readonly params: Input<P> } : { readonly params?: undefined }) &
        (Q extends z.ZodType ? { readonly query?: Input<Q> } : { readonly query?: undefined }) &
        (B extends z.ZodType ? { readonly body: Input<B> } : { readonly body?: undefined })
    : never

/** What the caller gets. */
export type CallOutput<T> = T extends { readonly response: infer R extends z.ZodType } ? z.output<R> : never
