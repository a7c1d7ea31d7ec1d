import { describe, expect, it } from 'vitest';
import { maskCombined, maskContacts, maskPhone } from '../../../src/shipment/mask.ts';
import { shippedEvent } from '../../support/events.ts';

describe('a masked phone number', () => {
  it.each([
    ['13812341234', '138****1234'],
    ['+86 138-1234-1234', '138****1234'],
    ['02112345678', '021****5678'],
    ['0211234567', '****4567'],
    ['12345', '****2345'],
    ['1234', '****1234'],
    ['12345678901-1234', '123****8901'],
    ['13812345678,13987654321', '138****5678,139****4321'],
    ['138****5678, 13987654321', '138****5678,139****4321'],
    ['17012345678-1234', '170****5678'],
    ['13812345678转801', '138****5678'],
    ['0755-8888 8888-801', '0755****8888'],
    ['(021) 1234 5678 ext. 9', '021****5678'],
    ['0086-138-1234-1234', '138****1234'],
    ['0755-8888-8888', '0755****8888'],
  ])('shows the last four digits of %s, and three before of a whole one', (phone, masked) => {
    expect(maskPhone(phone)).toBe(masked);
  });

  it.each(['123', '', 'none', '1-2-3', '13812341234*', '138****1234'])(
    'is %j as it was: masked already, or no number',
    (phone) => {
      expect(maskPhone(phone)).toBe(phone);
    },
  );
});

describe('an event with masked contacts', () => {
  const withParcels = (...parcels: unknown[]) => {
    const event = shippedEvent();
    return { ...event, data: { ...event.data, shipping_list: parcels } };
  };

  it('has each number of each parcel masked, and all else as it was', () => {
    const contact = { receiver_contact: '13812341234', consignor_contact: '13987654321' };
    const event = withParcels({ item_desc: '13812341234', contact }, { item_desc: '梨' }, { contact });
    const masked = { receiver_contact: '138****1234', consignor_contact: '139****4321' };
    expect(maskContacts(event)).toEqual(
      withParcels({ item_desc: '13812341234', contact: masked }, { item_desc: '梨' }, { contact: masked }),
    );
  });

  it('is a copy: the event of the caller keeps its numbers', () => {
    const event = withParcels({ contact: { receiver_contact: '13812341234' } });
    maskContacts(event);
    expect(event).toEqual(withParcels({ contact: { receiver_contact: '13812341234' } }));
  });

  it('is a copy also of what cannot be cloned: the contract says what is wrong with it', () => {
    const clear = { receiver_contact: '13812341234' };
    const event = { ...withParcels({ contact: clear, save: () => undefined }), save: () => undefined };
    expect(maskContacts(event)).toMatchObject({
      save: event.save,
      data: { shipping_list: [{ contact: { receiver_contact: '138****1234' } }] },
    });
    expect(clear).toEqual({ receiver_contact: '13812341234' });
  });

  it('leaves to the contract what is no parcel, no contact and no text', () => {
    const odd = [null, 5, 'text', {}, { contact: null }, { contact: '13812341234' }];
    const event = withParcels(...odd, { contact: { receiver_contact: 13_812_341_234 } });
    expect(maskContacts(event)).toEqual(event);
  });

  it.each([undefined, null, 5, 'text', {}, { data: null }, { data: {} }, { data: { shipping_list: {} } }])(
    'is %j itself where there are no parcels',
    (event) => {
      expect(maskContacts(event)).toBe(event);
    },
  );
});

describe('the contacts of a combined event', () => {
  const parcel = (phone: string) => ({ item_desc: 'a', contact: { receiver_contact: phone } });
  const combined = (phone: string) => ({
    id: 'c',
    data: { payer: 7, sub_orders: [{ shipping_list: [parcel(phone)] }, null, { shipping_list: 7 }, 'text'] },
  });

  it('are masked in each part, and what is shaped otherwise stays as it is', () => {
    expect(maskCombined(combined('13812341234'))).toEqual(combined('138****1234'));
    for (const other of [null, 7, 'text', [], {}, { data: null }, { data: { sub_orders: 7 } }])
      expect(maskCombined(other)).toBe(other);
  });
});
