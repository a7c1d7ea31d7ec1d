import js from '@eslint/js';
import tseslint from 'typescript-eslint';

const time = {
  object: 'Date',
  property: 'now',
  message: 'Time is an argument; only src/clock.ts reads the clock.',
};
const environment = {
  object: 'process',
  property: 'env',
  message: 'Only src/roles/config.ts reads the environment.',
};
const randomness = { object: 'Math', property: 'random', message: 'Randomness is an argument.' };
const restricted = (properties) => ({
  'no-restricted-properties': ['error', ...properties],
  'no-restricted-imports': ['error', { paths: [{ name: 'node:process', message: 'process is a global.' }] }],
});

/** Rules of the house that a machine can hold. Every rule that is switched off says why. */
export default tseslint.config(
  { ignores: ['../dist', '../node_modules', '../coverage', 'dist/**', 'node_modules/**', '**/*.js'] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: { project: './tsconfig.json', tsconfigRootDir: new URL('..', import.meta.url).pathname },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      complexity: ['error', 10],
      'no-restricted-syntax': [
        'error',
        {
          selector: "ThrowStatement > NewExpression[callee.name='Error']",
          message: 'Throw FahuoError with a code of src/errors.ts.',
        },
      ],
      'no-restricted-globals': ['error'],
      // A member that is taken out of a copy is not used, on purpose.
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true }],
      // Numbers in messages and SQL fragments read better without String().
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // `type` is the one spelling for shapes; interfaces merge by accident.
      '@typescript-eslint/consistent-type-definitions': ['error', 'type'],
      // A void arrow around a call is how a callback says that its result is not used.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // Under noPropertyAccessFromIndexSignature the bracket form is required, not a smell.
      '@typescript-eslint/dot-notation': 'off',
    },
  },
  {
    files: ['../src/**/*.ts', 'src/**/*.ts', 'db/**/*.ts'],
    rules: restricted([time, environment, randomness]),
  },
  // The user's cache folder is the machine's, no setting of fahuo.
  { files: ['src/parts/cache.ts'], rules: restricted([time, randomness]) },
  { files: ['src/clock.ts'], rules: restricted([environment]) },
  { files: ['src/roles/config.ts'], rules: restricted([time, randomness]) },
  {
    files: ['test/**/*.ts'],
    rules: {
      // Tests assert on values whose shape they have just checked.
      '@typescript-eslint/no-non-null-assertion': 'off',
      'no-restricted-syntax': 'off',
    },
  },
);
