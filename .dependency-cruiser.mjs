// Who may import whom. docs/architecture.md draws the same picture.
const rooms = [
  ['errors', 'mail'],
  ['kernel', 'config', 'net'],
  ['store'],
  ['directory', 'rules'],
  ['queue'],
  ['intake'],
  ['control'],
  ['server'],
  ['cli', 'tui'],
]

const inside = (names) => `^src/(?:${names.join('|')})/`
const above = (level) => rooms.slice(level + 1).flat()

/** A room imports its own level and the levels before it, none after it. */
const layers = rooms.slice(0, -1).map((names, level) => ({
  name: `${names.join('-and-')}-is-below`,
  severity: 'error',
  comment: `${names.join(', ')} must not know ${above(level).join(', ')}`,
  from: { path: inside(names) },
  to: { path: inside(above(level)) },
}))

// Types of plugin.ts name what the config holds; nothing of it runs.
const typeOnly = { dependencyTypesNot: ['type-only'] }

export default {
  forbidden: [
    ...layers,
    {
      name: 'errors-and-mail-are-leaves',
      severity: 'error',
      from: { path: '^src/errors/' },
      to: { path: '^src/(?!errors/)' },
    },
    {
      name: 'mail-knows-errors-alone',
      severity: 'error',
      from: { path: '^src/mail/' },
      to: { path: '^src/(?!mail/|errors/)' },
    },
    { name: 'core-knows-no-plugin', severity: 'error', from: { path: '^src/' }, to: { path: '^plugins/' } },
    {
      name: 'core-does-not-import-its-public-face',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(?:index|testing/)' },
      to: { path: '^src/index[.]ts$' },
    },
    {
      name: 'plugin-enters-by-package-name',
      severity: 'error',
      from: { path: '^plugins/' },
      to: { path: '^src/', pathNot: '^src/(?:index|testing/index)[.]ts$' },
    },
    {
      name: 'plugins-stay-apart',
      severity: 'error',
      from: { path: '^plugins/([^/]+)/' },
      to: { path: '^plugins/(?!$1/)' },
    },
    {
      name: 'nothing-imports-testing',
      severity: 'error',
      from: { path: '^(?:src|plugins)/', pathNot: '^src/testing/' },
      to: { path: '^src/testing/' },
    },
    { name: 'nothing-imports-tests', severity: 'error', from: { path: '^(?:src|plugins)/' }, to: { path: '^test/' } },
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true, viaOnly: typeOnly } },
    {
      name: 'oclif-stays-in-the-cli',
      severity: 'error',
      from: { path: '^(?:src|plugins)/', pathNot: '^src/cli/' },
      to: { path: 'node_modules/@oclif/' },
    },
    {
      name: 'leveldb-stays-in-its-plugin',
      severity: 'error',
      from: { path: '^(?:src|plugins)/', pathNot: '^plugins/level/' },
      to: { path: 'node_modules/classic-level/' },
    },
    { name: 'resolves', severity: 'error', from: { path: '^(?:src|plugins)/' }, to: { couldNotResolve: true } },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    detectJSDocImports: false,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(?:dist|node_modules/[.])' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['source', 'import', 'node', 'default'],
      extensions: ['.ts', '.js', '.json'],
    },
  },
}
