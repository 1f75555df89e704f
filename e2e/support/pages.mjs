// The list of all pages. What the router serves by GET and neither stands here nor is named as something else fails a test.

/** Every page: the route that serves it, who looks at it, and where it is if its path has parts that differ. */
export const PAGES = [{ name: "home", route: "/", as: "anonymous" }];

/** What is served by GET and is no page, and why not. */
export const NOT_PAGES = {};

/** Style, scripts and pictures. */
export const isAsset = (route) => route.startsWith("/assets/");
