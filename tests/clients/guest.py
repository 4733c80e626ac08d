"""Acts as guests of the local mode with botocore, an independent client of Cognito Identity, and signs requests for the API.

    python guest.py credentials ENDPOINT REGION POOL [IDENTITY]
    python guest.py sign REGION < REQUEST

`credentials` prints an identity, a new one unless it is given, and its temporary credentials. `sign` reads a request (`method`, `url`,
`body`, `credentials`) and prints the headers to send with it.
"""

import json
import sys

from botocore import UNSIGNED
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.session import get_session


def credentials(endpoint, region, pool, identity=None):
    client = get_session().create_client(
        "cognito-identity", region_name=region, endpoint_url=endpoint, config=Config(signature_version=UNSIGNED)
    )
    identity = identity or client.get_id(IdentityPoolId=pool)["IdentityId"]
    answer = client.get_credentials_for_identity(IdentityId=identity)
    keys = answer["Credentials"]
    return {
        "identity": answer["IdentityId"],
        "expires": int(keys["Expiration"].timestamp()),
        "accessKeyId": keys["AccessKeyId"],
        "secretKey": keys["SecretKey"],
        "sessionToken": keys["SessionToken"],
    }


def sign(region):
    request = json.load(sys.stdin)
    keys = request["credentials"]
    signed = AWSRequest(request["method"], request["url"], data=request["body"].encode())
    keys = Credentials(keys["accessKeyId"], keys["secretKey"], keys["sessionToken"])
    SigV4Auth(keys, "execute-api", region).add_auth(signed)
    return dict(signed.headers.items())


command = {"credentials": credentials, "sign": sign}[sys.argv[1]]
print(json.dumps(command(*sys.argv[2:])))
