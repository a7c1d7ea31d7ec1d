import { choice, setting, text, url, type Values } from '../setting.ts';

export const receiptSettings = {
  mode: setting(
    'FAHUO_RECEIPT',
    choice(['asked', 'trace'], 'asked'),
    'Who says that a buyer has the goods: the shop (asked), or also the carrier, whose parcels are followed (trace).',
  ),
  imageUrl: setting(
    'FAHUO_TRACE_IMAGE_URL',
    url(['https', 'http']),
    'Picture that WeChat shows beside a parcel that it follows; FAHUO_RECEIPT=trace needs one.',
  ),
  page: setting(
    'FAHUO_TRACE_PAGE',
    text(''),
    'Page of the mini-program that a tap on such a parcel opens; empty is its first page.',
  ),
};

export type ReceiptSettings = Values<typeof receiptSettings>;
