import { describe, expect, it } from 'vitest';
import { readMysqlUrl } from '../../../../src/adopt/mysql/url.ts';

describe("the URL of a shop's MySQL", () => {
  it('names host, login and database', () => {
    expect(readMysqlUrl('mysql://shop:p%40ss@db.example:3307/my_shop')).toEqual({
      host: 'db.example',
      port: 3307,
      user: 'shop',
      password: 'p@ss',
      database: 'my_shop',
    });
    expect(readMysqlUrl('mariadb://root@[::1]/s?socket=/run/mysqld.sock')).toMatchObject({
      host: '::1',
      port: 3306,
      socketPath: '/run/mysqld.sock',
    });
  });

  it("asks for TLS in the words of MySQL's own clients", () => {
    const of = (query: string) => readMysqlUrl(`mysql://a@b/c?${query}`).ssl;
    expect(of('ssl-mode=REQUIRED')).toEqual({ rejectUnauthorized: false, verifyIdentity: false });
    expect(of('ssl-mode=VERIFY_CA')).toEqual({ rejectUnauthorized: true, verifyIdentity: false });
    expect(of('ssl-mode=VERIFY_IDENTITY')).toEqual({ rejectUnauthorized: true, verifyIdentity: true });
    expect(of('ssl-mode=DISABLED')).toBeUndefined();
    expect(of(`ssl-ca=${import.meta.filename}`)).toMatchObject({
      verifyIdentity: true,
      ca: expect.any(String) as string,
    });
  });

  it.each([
    ['postgres://a@b/c', /must begin with mysql/],
    ['not a url', /is no URL/],
    ['mysql://a@b', /names no database/],
    ['mysql://a@b/c?tls=1', /has the parameter tls/],
    ['mysql://a@b/c?ssl-mode=PREFERRED', /ssl-mode preferred, which is not one of/],
    ['mysql://a@b/c?ssl-ca=/nowhere.pem', /names the file \/nowhere.pem for ssl-ca/],
  ])('says what is wrong with %s', (url, message) => {
    expect(() => readMysqlUrl(url)).toThrow(message);
  });
});
