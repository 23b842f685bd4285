// Bundles lib/classic/main.js into the one AMD module that Classic Notebook loads as an nbextension. The builder of the
// lab extension brings the bundler; Classic's own modules stay outside, it has them.
const { copyFileSync, rmSync } = require('fs');
const path = require('path');
const { rspack } = require('@rspack/core');

const output = path.join(__dirname, 'jupyter_learntrace', 'nbextension');
rmSync(output, { recursive: true, force: true });

rspack(
  {
    mode: 'production',
    context: __dirname,
    entry: './lib/classic/main.js',
    output: { path: output, filename: 'main.js', library: { type: 'amd' } },
    externals: [/^(base|notebook|services)\/js\//],
    externalsType: 'amd',
    devtool: false
  },
  (failure, stats) => {
    if (failure || stats.hasErrors()) {
      console.error(failure ?? stats.toString('errors-warnings'));
      process.exit(1);
    }
    copyFileSync(path.join(__dirname, 'style', 'indicator.css'), path.join(output, 'indicator.css'));
  }
);
