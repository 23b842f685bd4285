// Bundles what Classic Notebook loads from lib/: the nbextension main.js, and the stand-alone custom.js. The builder of
// the lab extension brings the bundler. Each bundle is one AMD module; Classic's own modules stay outside, it has them.
const { copyFileSync, existsSync, mkdirSync, rmSync } = require('fs');
const path = require('path');
const { BannerPlugin, rspack } = require('@rspack/core');

const output = path.join(__dirname, 'jupyter_learntrace', 'nbextension');
// The ready hub hands custom.js out from its own folder, which is there in a checkout only.
const hub = path.join(__dirname, '..', 'jupyterhub');

const banner = `Learntrace for Classic Notebook 6, alone: what a learner runs goes to this page's own Jupyter server, nowhere else.

Put it into <JUPYTER_CONFIG_DIR>/custom/custom.js. It needs jupyter-learntrace's server extension behind the page and
no nbextension; where that is loaded too, it takes over (it has the indicator, and tells of added and removed cells).
A course may add its own to the end of this file; \`getAssignmentTag(cell)\` is there for it, also on \`window\`.

Built from jupyter-learntrace/src/custom/main.ts.`;

function bundle(entry, filename, options) {
  return {
    mode: 'production',
    context: __dirname,
    entry: `./lib/${entry}/main.js`,
    output: { path: output, filename, library: { type: 'amd' } },
    externals: [/^(base|notebook|services)\/js\//],
    externalsType: 'amd',
    devtool: false,
    ...options
  };
}

rmSync(output, { recursive: true, force: true });
rspack(
  [
    bundle('classic', 'main.js'),
    // Not minimized: administrators read what they put into a learner's configuration folder, and add to it.
    bundle('custom', 'custom.js', { optimization: { minimize: false }, plugins: [new BannerPlugin({ banner })] })
  ],
  (failure, stats) => {
    if (failure || stats.hasErrors()) {
      console.error(failure ?? stats.toString('errors-warnings'));
      process.exit(1);
    }
    copyFileSync(path.join(__dirname, 'style', 'indicator.css'), path.join(output, 'indicator.css'));
    if (existsSync(hub)) {
      mkdirSync(path.join(hub, 'custom'), { recursive: true });
      copyFileSync(path.join(output, 'custom.js'), path.join(hub, 'custom', 'custom.js'));
    }
  }
);
