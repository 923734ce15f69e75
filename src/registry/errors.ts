/** Errors of the resource directory. */
import { defineErrors } from '../wire/errors.ts';

export const registryError = defineErrors({
  ECHO_CATALOGUE_NOT_JSON: {
    status: 400,
    title: 'The body is not JSON.',
    remedy: 'Send one Hypercat item as a JSON object: {"href": …, "item-metadata": [{"rel": …, "val": …}]}.',
  },
  ECHO_CATALOGUE_ITEM_INVALID: {
    status: 400,
    title: 'The body is not a Hypercat item.',
    remedy: 'Give a non-empty string href, and rel/val pairs of strings with a non-empty hasDescription:en.',
  },
  ECHO_CATALOGUE_INVALID: {
    status: 400,
    title: 'This is not a Hypercat catalogue.',
    remedy: 'A catalogue is {"catalogue-metadata": [pairs], "items": [items]} with every href once.',
  },
  ECHO_CATALOGUE_HREF_REQUIRED: {
    status: 400,
    title: 'The request does not say which item.',
    remedy: 'Add ?href=… with the encoded href of the item.',
  },
  ECHO_CATALOGUE_HREF_MISMATCH: {
    status: 400,
    title: 'The href of the body and of the query differ.',
    remedy: 'Use the same href in both, or leave it out of one; PUT renames an item.',
  },
  ECHO_CATALOGUE_HREF_TAKEN: {
    status: 400,
    title: 'The catalogue already has an item with this href.',
    remedy: 'Use another href, or replace the item with POST or PUT /cat?href=….',
  },
  ECHO_CATALOGUE_ITEM_UNKNOWN: {
    status: 404,
    title: 'The catalogue has no item with this href.',
    remedy: 'Search the catalogue with GET /cat?prefix-href=…; add the item with POST /cat.',
  },
  ECHO_CATALOGUE_KEY_WRONG: {
    status: 401,
    title: 'The key is missing or wrong.',
    remedy: 'Send the key as the HTTP Basic user name with an empty password, or as x-api-key.',
  },
  ECHO_CATALOGUE_BODY_TOO_LARGE: {
    status: 413,
    title: 'The item is larger than the catalogue accepts.',
    remedy: 'Keep one item under the limit that the message names.',
  },
  ECHO_CATALOGUE_READ_ONLY: {
    status: 403,
    title: 'This item is kept by ECHO itself.',
    remedy: 'Use another href; gateways change their item through their agent.',
  },
  ECHO_CATALOGUE_UNREACHABLE: {
    status: 502,
    title: 'The Hypercat server cannot be reached.',
    remedy: 'Check the URL of the catalogue and that its server runs.',
  },
  ECHO_CATALOGUE_REFUSED: {
    status: 502,
    title: 'The Hypercat server refused the request.',
    remedy: "The message holds the server's own answer.",
  },
});
