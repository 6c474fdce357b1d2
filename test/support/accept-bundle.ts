// `npm run accept-bundle`: takes today's module sizes as what later growth is measured against.

import { bundle, growth, moduleSizes, storedSizes, storeSizes } from "./bundle.ts";

const now = moduleSizes(await bundle());
for (const line of growth(storedSizes(), now)) console.log(line);
storeSizes(now);
