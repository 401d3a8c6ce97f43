"""A REST API refuses calls with the gateway responses of the document that it was made from, as API Gateway does.

Mends: ministack reads no `x-amazon-apigateway-gateway-responses`, which is where SAM puts the template's
GatewayResponses, so that its own refusals are no problem details.

Upstream: ministack/services/apigateway_v1.py, `_import_rest_api`.
"""

from __future__ import annotations

import functools

RESPONSES = "x-amazon-apigateway-gateway-responses"


def install() -> None:
    from ministack.services import apigateway_v1

    import_rest_api = apigateway_v1._import_rest_api
    put = apigateway_v1._put_gateway_response

    @functools.wraps(import_rest_api)
    def import_with_responses(spec, base_data=None):
        api = import_rest_api(spec, base_data)
        for kind, response in (spec.get(RESPONSES) or {}).items():
            put(api, kind, response)
        return api

    apigateway_v1._import_rest_api = import_with_responses
