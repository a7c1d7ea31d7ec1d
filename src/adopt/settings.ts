import { splitSsl } from '../../db/ssl.ts';
import { secret, setting, text, url, type Values } from '../setting.ts';

export const adoptSettings = {
  file: setting(
    'FAHUO_ADOPT_FILE',
    text(''),
    'The adopt file of an order database that the role adopt works on; see docs/adopting.md.',
    ['FAHUO_ADOPT', 'FAHUO_SHOP_FILE'],
  ),
  shopUrl: secret(
    'SHOP_DATABASE_URL',
    url(['postgres', 'postgresql', 'mysql', 'mariadb'], {
      problem: (given) => (/^postgres(ql)?:/.test(given) ? splitSsl(given).problem : null),
    }),
    'The order database of the adopt file: postgres://… or mysql://…; on Postgres DATABASE_URL where it is unset.',
    ['FAHUO_SHOP_DATABASE_URL', 'SHOP_URL', 'MYSQL_URL'],
  ),
};

export type AdoptSettings = Values<typeof adoptSettings>;
